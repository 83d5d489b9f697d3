//! Randomness that depends on a seed and on what it is drawn for, and on nothing that was drawn before: a new draw
//! changes no other, and what is left of a shrunk run happens as it did in the whole.

/// Draws for one purpose after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The dice of a part.
    pub(crate) fn part(self, what: &str) -> Dice {
        // FNV-1a, then stirred: neighbouring seeds must not draw alike.
        let hash = what.bytes().fold(self.0 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Dice(fastrand::Rng::with_seed(hash).u64(..))
    }

    /// The dice of a numbered part.
    pub(crate) fn nth(self, number: u64) -> Dice {
        Dice(
            fastrand::Rng::with_seed(self.0.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).u64(..),
        )
    }

    /// A stream of draws.
    pub(crate) fn stream(self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.0)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(self, what: &str, limit: usize) -> usize {
        self.part(what).stream().usize(..limit)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(self, what: &str, percent: usize) -> bool {
        self.below(what, 100) < percent
    }

    /// One of the choices, of which there is at least one.
    pub(crate) fn pick<T: Copy>(self, what: &str, choices: &[T]) -> T {
        choices[self.below(what, choices.len())]
    }

    /// One of the numbered candidates. The choice stays the same when others are taken away.
    pub(crate) fn choose<T>(self, what: &str, candidates: impl IntoIterator<Item = (u64, T)>) -> Option<T> {
        let dice = self.part(what);
        candidates.into_iter().min_by_key(|(number, _)| (dice.nth(*number).0, *number)).map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_do_not_depend_on_each_other() {
        let dice = Dice::new(7);
        let tenth = dice.below("tenth", 1000);
        dice.below("another", 1000);
        assert_eq!(dice.below("tenth", 1000), tenth);
        let all = (0..50).map(|number| (number, number));
        let chosen = dice.choose("one", all.clone()).unwrap();
        assert_eq!(
            dice.choose("one", all.filter(|(number, _)| *number == chosen || number % 3 == 0)),
            Some(chosen)
        );
    }
}
