//! A person in a browser.

use anyhow::Context;
use url::Url;

/// A browser of its own, which keeps cookies and goes where it is sent.
#[derive(Clone, Debug)]
pub struct Person {
    browser: reqwest::Client,
}

/// A page that a person ended up on.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it is.
    pub address: Url,
    /// The HTML.
    pub html: String,
}

impl Person {
    /// With an empty browser.
    pub fn new() -> anyhow::Result<Person> {
        Ok(Person { browser: reqwest::Client::builder().cookie_store(true).no_proxy().build()? })
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) -> anyhow::Result<Page> {
        read(self.browser.get(address).send().await?).await
    }

    /// Fills in a form, sends it, and goes where it leads.
    pub async fn fill_in(&self, address: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        read(self.browser.post(address).form(fields).send().await?).await
    }

    /// Answers Intuit's consent page: picks a realm, or cancels.
    pub async fn consent(&self, question: &Page, realm: Option<&str>) -> anyhow::Result<Page> {
        let asked = question.address.query_pairs();
        let answer = realm.map(|realm| ("realm".into(), realm.into()));
        let form: Vec<_> = asked.chain(answer).collect();
        let mut address = question.address.clone();
        address.set_query(None);
        read(self.browser.post(address).form(&form).send().await?).await
    }

    /// Presses the only button of a page whose form goes to the page's own address.
    pub async fn submit(&self, page: &Page) -> anyhow::Result<Page> {
        read(self.browser.post(page.address.clone()).send().await?).await
    }

    /// Follows a connect link to Intuit and picks a realm there.
    pub async fn connect(&self, link: &str, realm: &str) -> anyhow::Result<Page> {
        let question = self.open(link).await?;
        self.consent(&question, Some(realm)).await.context("consenting")
    }
}

async fn read(answer: reqwest::Response) -> anyhow::Result<Page> {
    Ok(Page { status: answer.status().as_u16(), address: answer.url().clone(), html: answer.text().await? })
}
