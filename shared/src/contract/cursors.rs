//! The cursors' promises.

use std::collections::BTreeMap;

use super::{at, company};
use crate::ids::BillingId;
use crate::model::Kind;
use crate::poll::{Cursor, Cursors, Sent};

/// Checks cursors through two handles.
pub async fn cursors(one: &dyn Cursors, two: &dyn Cursors) {
    let (ours, theirs) = (company("cursors"), company("cursors-too"));
    assert_eq!(one.cursor(&ours, Kind::Client).await.unwrap(), None);
    for number in [1, 1, 2] {
        one.save_cursor(&ours, Kind::Client, &cursor(number)).await.unwrap();
        assert_eq!(two.cursor(&ours, Kind::Client).await.unwrap(), Some(cursor(number)));
    }
    assert_eq!(two.cursor(&ours, Kind::Invoice).await.unwrap(), None);
    assert_eq!(two.cursor(&theirs, Kind::Client).await.unwrap(), None);
    // What a large import leaves behind.
    one.save_cursor(&ours, Kind::Invoice, &cursor(5000)).await.unwrap();
    assert_eq!(two.cursor(&ours, Kind::Invoice).await.unwrap(), Some(cursor(5000)));
}

fn cursor(records: i64) -> Cursor {
    let sent = (0..records).map(|number| {
        let sent = Sent {
            at: at(number),
            state: Some(format!("{:08x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff)),
        };
        (BillingId::new(format!("r-{number}")).unwrap(), sent)
    });
    Cursor { begun: at(0), since: at(records), sent: sent.collect::<BTreeMap<_, _>>() }
}
