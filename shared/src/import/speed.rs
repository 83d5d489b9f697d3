//! How many entities are dealt with side by side: as many as the billing app bears.

use jiff::SignedDuration;

/// For each page that is read at once. An app on a server of its own has about as many workers for its requests.
const FOR_A_PAGE: usize = 8;
/// How much faster twice as many have to be to be worth it, in percent.
const WORTH_IT: i128 = 120;

/// How many entities are under way at a time. It begins with one page's worth, doubles as long as that makes it faster,
/// up to that of all pages, and halves when the app asks for patience or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speed {
    at_once: usize,
    most: usize,
    /// The most entities in a million seconds so far.
    best: i128,
}

impl Speed {
    /// `pages` is how many are read at once.
    pub(super) fn new(pages: u32) -> Speed {
        let most = FOR_A_PAGE * usize::try_from(pages).unwrap_or(1).max(1);
        Speed { at_once: FOR_A_PAGE, most, best: 0 }
    }

    pub(super) fn at_once(self) -> usize {
        self.at_once
    }

    /// After so many entities without a complaint.
    pub(super) fn after(&mut self, entities: usize, taken: SignedDuration) {
        let entities = i128::try_from(entities).unwrap_or(i128::MAX);
        let rate = entities.saturating_mul(1_000_000_000) / taken.as_millis().max(1);
        if rate * 100 >= self.best * WORTH_IT {
            self.at_once = (self.at_once * 2).min(self.most);
        }
        self.best = self.best.max(rate);
    }

    /// After a complaint. What was too fast once is not tried again.
    pub(super) fn slower(&mut self) {
        self.at_once = (self.at_once / 2).max(1);
        self.most = self.at_once;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn it_grows_as_long_as_that_helps_and_not_beyond_all_pages() {
        let mut speed = Speed::new(4);
        assert_eq!(speed.at_once(), 8);
        speed.after(200, seconds(20));
        assert_eq!(speed.at_once(), 16);
        speed.after(400, seconds(20));
        assert_eq!(speed.at_once(), 32);
        speed.after(800, seconds(10));
        assert_eq!(speed.at_once(), 32, "no more than for four pages");

        let mut busy = Speed::new(4);
        busy.after(200, seconds(20));
        busy.after(400, seconds(39));
        busy.after(400, seconds(35));
        assert_eq!(busy.at_once(), 16, "twice as many took twice the time");
    }

    #[test]
    fn it_halves_when_the_app_complains_and_stays_there() {
        let mut speed = Speed::new(4);
        speed.after(200, seconds(20));
        speed.slower();
        assert_eq!(speed.at_once(), 8);
        speed.after(200, seconds(1));
        assert_eq!(speed.at_once(), 8);
        (0..5).for_each(|_| speed.slower());
        assert_eq!(speed.at_once(), 1);
    }
}
