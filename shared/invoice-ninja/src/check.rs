//! Trying an address and a token, before they are a company's.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;
use sync::billing_app::{BillingCheck, Checked};
use sync::ports::BillingError;
use transport::{Reach, Transport};

use crate::answer::Effect;
use crate::client::{Client, odd};
use crate::json::{Loose, Object};

/// Far in the future: with it the app leaves out the records that it would send along (Invoice Ninja API: refresh).
const NOTHING_SINCE: &str = "4102444800";
/// How many of the newest invoices are looked at for links of the app's own QuickBooks integration.
const SAMPLE: usize = 50;

/// Tries Invoice Ninjas.
pub struct Check {
    http: reqwest::Client,
    transport: Option<Arc<dyn Transport>>,
    reach: Reach,
}

impl Check {
    /// `http` has to keep within `reach` ([`transport::http_client_within`]).
    pub fn new(http: reqwest::Client, reach: Reach) -> Check {
        Check { http, transport: None, reach }
    }

    /// The same, whose requests travel another way.
    pub fn over(self, transport: Arc<dyn Transport>) -> Check {
        Check { transport: Some(transport), ..self }
    }
}

#[async_trait]
impl BillingCheck for Check {
    async fn check(&self, url: &str, token: &SecretString) -> Result<Checked, BillingError> {
        let base = self.reach.base(url).map_err(|error| BillingError::Refused(error.to_string()))?;
        let client = Client::new(self.http.clone(), &base, token.clone());
        let client = match &self.transport {
            Some(transport) => client.over(Arc::clone(transport)),
            None => client,
        };
        let user = client.company_user().await?;
        let company = user.object("company").ok_or_else(|| odd("the company", &"it is missing"))?;
        if !user.flag("is_admin") && !user.flag("is_owner") {
            return Err(BillingError::Forbidden(
                "the token belongs to a user who is no administrator and would not see all records; make one as an administrator".to_owned(),
            ));
        }
        // Whatever else is missing is found now and not with the first invoice.
        client.setup().await?;
        let settings = company.object("settings");
        let name = settings.map(|settings| settings.text("name")).unwrap_or_default();
        let mut warnings = warnings(company);
        warnings.extend(client.own_links().await?);
        Ok(Checked {
            url: base.as_str().trim_end_matches('/').to_owned(),
            name,
            updates_products: company.flag("update_products"),
            warnings,
        })
    }
}

impl Client {
    /// Whom the token stands for, with the company.
    async fn company_user(&self) -> Result<Object, BillingError> {
        let request = self
            .request(Method::POST, "refresh")
            .query(&[("current_company", "true"), ("updated_at", NOTHING_SINCE)]);
        let answer = self.call("refresh", request, Effect::Reads).await?;
        let users = answer.objects("data").map_err(|problem| odd("who the token stands for", &problem))?;
        match users[..] {
            [user] => Ok(user.clone()),
            // The others are the same person's other companies.
            [user, ..] => Ok(user.clone()),
            [] => Err(BillingError::Forbidden("the token stands for nobody".to_owned())),
        }
    }

    /// What to know if invoices carry links of the app's own integration.
    async fn own_links(&self) -> Result<Option<String>, BillingError> {
        let parameters = [("sort", "updated_at|desc".to_owned())];
        let newest = self.page("invoices", &parameters, 1).await?.rows;
        let is_linked = |row: &&Object| row.object("sync").is_some_and(|sync| !sync.text("qb_id").is_empty());
        let linked = newest.iter().take(SAMPLE).filter(is_linked).count();
        Ok((linked > 0).then(|| {
            format!(
                "Invoice Ninja's own QuickBooks integration has linked {linked} of the newest invoices. If it goes on, both write to the same QuickBooks company: disconnect it there first."
            )
        }))
    }
}

/// What in the company's settings works against keeping in step.
fn warnings(company: &Object) -> Vec<String> {
    let mut warnings = Vec::new();
    if company.object("quickbooks").is_some_and(pushes_or_pulls) {
        warnings.push(
            "Invoice Ninja's own QuickBooks integration is switched on. Set all of its directions to none, or both will write to QuickBooks."
                .to_owned(),
        );
    }
    if company.flag("update_products") {
        warnings.push(
            "\"Auto update products\" is on: the app copies prices of invoice lines to products without telling. Edits of products are then taken from its webhooks only; switch it off so that edits whose webhook was lost are found as well."
                .to_owned(),
        );
    }
    let lock = company.object("settings").map(|settings| settings.text("lock_invoices")).unwrap_or_default();
    if !matches!(lock.as_str(), "" | "off") {
        warnings.push(format!(
            "Invoices are locked ({lock}): taxes and changes from QuickBooks cannot be written to locked ones."
        ));
    }
    warnings
}

/// Whether a direction of the app's own integration is another than none.
fn pushes_or_pulls(quickbooks: &Object) -> bool {
    let settings = quickbooks.object("settings");
    let directions = settings.into_iter().flatten().filter_map(|(_, setting)| setting.as_object());
    let mut directions = directions.filter_map(|setting| setting.get("direction").and_then(Value::as_str));
    directions.any(|direction| !matches!(direction, "" | "none"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::fixtures::object;

    #[test]
    fn what_works_against_it_is_said() {
        assert_eq!(warnings(&object(json!({"update_products": false, "quickbooks": null}))), [""; 0]);
        let own = |direction: &str| {
            let settings = json!({"client": {"direction": "none"}, "invoice": {"direction": direction}});
            warnings(&object(json!({"quickbooks": {"realmID": "9", "settings": settings}}))).len()
        };
        assert_eq!((own("none"), own("push"), own("bidirectional")), (0, 1, 1));
        let all = json!({"update_products": true, "settings": {"lock_invoices": "when_sent"}});
        assert_eq!(warnings(&object(all)).len(), 2);
    }
}
