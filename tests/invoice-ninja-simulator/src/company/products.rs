//! Products (Invoice Ninja API: products). Their keys are not unique.

use jiff::Timestamp;
use serde_json::json;

use super::kinds::Kind;
use super::record::{Errors, Members, Record, blank, fill, objects};
use super::refusal::{Refusal, unless};
use super::{Company, User};

impl Company {
    pub(crate) fn create_product(
        &mut self,
        sent: &Record,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let mut product = blank(&Kind::Product.fields());
        product.put("user_id", user.id.as_str());
        product.put("quantity", 1);
        product.put("tax_id", "1");
        product.put("documents", json!([]));
        let mut errors = Errors::new();
        fill(&mut product, sent, &Kind::Product.fields(), "", &mut errors);
        unless(errors)?;
        let id = self.store.add(Kind::Product, product, now);
        self.created(Kind::Product, id, now);
        Ok(id)
    }

    pub(crate) fn update_product(&mut self, id: u64, sent: &Record, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut product) = self.store.row(Kind::Product, id).cloned() else { return Ok(()) };
        let mut errors = Errors::new();
        fill(&mut product, sent, &Kind::Product.fields(), "", &mut errors);
        unless(errors)?;
        product.put("updated_at", now.as_second());
        self.store.replace(Kind::Product, id, product);
        self.updated(Kind::Product, id, now);
        Ok(())
    }

    /// What the company's flag `update_products` does after an invoice was saved: products, deleted ones too, take
    /// over the notes and the price of its lines, and keys without a product get one. No webhook tells of it.
    pub(crate) fn learn_products(&mut self, invoice: u64, now: Timestamp) {
        let Some(invoice) = self.store.row(Kind::Invoice, invoice) else { return };
        let at_home =
            invoice.id("client_id").is_some_and(|id| self.currency_of(id) == self.setting("currency_id"));
        if !self.profile.flag("update_products") || !at_home {
            return;
        }
        let is_product = |line: &&Record| line.text("type_id") == "1" && !line.text("product_key").is_empty();
        let lines: Vec<Record> = objects(invoice, "line_items").filter(is_product).cloned().collect();
        let user = invoice.text("user_id").to_owned();
        for line in lines {
            self.learn_product(&line, &user, now);
        }
    }

    fn learn_product(&mut self, line: &Record, user: &str, now: Timestamp) {
        let known = self
            .store
            .rows(Kind::Product)
            .find(|(_, row)| row.text("product_key") == line.text("product_key"))
            .map(|(id, _)| id);
        let id = known.unwrap_or_else(|| {
            let mut product = blank(&Kind::Product.fields());
            product.put("user_id", user);
            product.put("product_key", line.text("product_key"));
            product.put("quantity", 1);
            product.put("tax_id", line.text("tax_id"));
            product.put("documents", json!([]));
            self.store.add(Kind::Product, product, now)
        });
        let Some(product) = self.store.row_mut(Kind::Product, id) else { return };
        if product.text("notes") != line.text("notes") || product.money("price") != line.money("cost") {
            product.put("notes", line.text("notes"));
            product.put_money("price", line.money("cost"));
            product.put("updated_at", now.as_second());
        }
    }
}
