//! The promises of whatever sends e-mail.

use crate::mail::{Address, Mail, Message};

/// Checks what sends e-mail; `arrived` tells what it has sent so far, in order.
pub async fn mail(mail: &dyn Mail, arrived: impl AsyncFn() -> Vec<Message>) {
    let address = |name: &str| Address::new(format!("{name}@example.com")).unwrap();
    let messages = [
        Message {
            to: vec![address("ann")],
            subject: "1 record waits for you".into(),
            text: "Söhne & Co.\n\n- 1: why\n".into(),
            html: "<p>S\u{f6}hne &amp; Co. \u{2014} <a href=\"https://counterpart.example/?a=1&amp;b=2\">go</a></p>".into(),
        },
        Message {
            to: vec![address("ann"), address("bob.o'neil+qbo")],
            subject: "Ends in 7 days: Söhne".into(),
            text: "Twice.".into(),
            html: "<p>Twice.</p>".into(),
        },
    ];
    for message in &messages {
        mail.send(message).await.unwrap();
    }
    assert_eq!(arrived().await, messages);
}
