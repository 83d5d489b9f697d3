//! The vaults' promises.

use secrecy::ExposeSecret;

use super::{at, books, company};
use crate::billing_app::{BillingKeys, BillingVault};
use crate::ids::Books;
use crate::ports::Vault;
use crate::tokens::TokenPair;

/// Checks a vault through two handles.
pub async fn vault(one: &dyn Vault, two: &dyn Vault) {
    let (ours, other_realm, other_company) = (books("vault", 1), books("vault", 2), books("vault-too", 1));
    assert!(one.tokens(&ours).await.unwrap().is_none());
    for name in ["first", "first", "second"] {
        one.store(&ours, &pair(name, None)).await.unwrap();
        assert_holds(two, &ours, &pair(name, None)).await;
    }
    assert!(two.tokens(&other_realm).await.unwrap().is_none());
    assert!(two.tokens(&other_company).await.unwrap().is_none());
    two.store(&other_realm, &pair("other", Some(5))).await.unwrap();
    assert_holds(one, &other_realm, &pair("other", Some(5))).await;
    assert_holds(one, &ours, &pair("second", None)).await;
    for _ in 0..2 {
        one.forget(&ours).await.unwrap();
        assert!(two.tokens(&ours).await.unwrap().is_none());
    }
    assert_holds(one, &other_realm, &pair("other", Some(5))).await;
    two.store(&ours, &pair("again", None)).await.unwrap();
    assert_holds(one, &ours, &pair("again", None)).await;
    one.forget(&books("vault-never", 3)).await.unwrap();
    assert!(two.tokens(&books("vault-never", 3)).await.unwrap().is_none());
}

/// Checks a vault of billing apps' keys through two handles.
pub async fn billing_vault(one: &dyn BillingVault, two: &dyn BillingVault) {
    let (ours, theirs) = (company("keys"), company("keys-too"));
    assert!(one.keys(&ours).await.unwrap().is_none());
    for name in ["first", "first", "second"] {
        one.store_keys(&ours, &keys(name)).await.unwrap();
        let stored = two.keys(&ours).await.unwrap().unwrap();
        assert_eq!(stored.token.expose_secret(), keys(name).token.expose_secret());
        assert_eq!(stored.webhook_secret.expose_secret(), keys(name).webhook_secret.expose_secret());
    }
    assert!(two.keys(&theirs).await.unwrap().is_none());
}

fn keys(name: &str) -> BillingKeys {
    BillingKeys {
        token: format!("token \"{name}\"").into(),
        webhook_secret: format!("secret \\{name}").into(),
    }
}

fn pair(name: &str, hard: Option<i64>) -> TokenPair {
    TokenPair {
        access_token: format!("access token \"{name}\"").into(),
        access_expires_at: at(3600),
        refresh_token: format!("refresh token \\{name}").into(),
        refresh_expires_at: at(8_726_400),
        hard_expires_at: hard.map(at),
    }
}

async fn assert_holds(vault: &dyn Vault, books: &Books, expected: &TokenPair) {
    let stored = vault.tokens(books).await.unwrap().unwrap();
    assert_eq!(stored.access_token.expose_secret(), expected.access_token.expose_secret());
    assert_eq!(stored.access_expires_at, expected.access_expires_at);
    assert_eq!(stored.refresh_token.expose_secret(), expected.refresh_token.expose_secret());
    assert_eq!(stored.refresh_expires_at, expected.refresh_expires_at);
    assert_eq!(stored.hard_expires_at, expected.hard_expires_at);
}
