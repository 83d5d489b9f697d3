//! The client as the engine sees it.

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::{MAX_PAGE, Query, is_in};
use quickbooks_wire::{
    Batch, BatchItemRequest, BatchItemResponse, BatchOutcome, Entity, EntityKind, EntityResponse, Invoice,
    Operation, Payment, Preferences, QueryResponse,
};
use sync::ids::QuickBooksId;
use sync::link::RequestId;
use sync::ports::{CallError, NameHolder, QuickBooks, Write};
use sync::reference::ReferenceLists;

use crate::answer;
use crate::client::{Client, nothing};

#[async_trait]
impl QuickBooks for Client {
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.write("create", entity.kind(), &[], entity, request_id).await
    }

    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.write("update", entity.kind(), &[("operation", "update")], entity, request_id).await
    }

    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError> {
        let items = writes.iter().enumerate().map(|(place, write)| item(place, write)).collect();
        let answers = self.in_one_call(items, Some(request_id)).await?;
        Ok(of_each(writes.len(), answers))
    }

    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        let (id, sync_token) = (Some(id.to_string()), Some(sync_token.to_owned()));
        match kind {
            EntityKind::Invoice => {
                let body = Invoice { id, sync_token, ..Invoice::default() };
                self.write("void", kind, &[("operation", "void")], &body, request_id).await
            }
            EntityKind::Payment => {
                let body = Payment { id, sync_token, sparse: Some(true), ..Payment::default() };
                let parameters = [("operation", "update"), ("include", "void")];
                self.write("void", kind, &parameters, &body, request_id).await
            }
            EntityKind::Customer | EntityKind::Item => {
                Err(CallError::NotSent(format!("{} entities cannot be voided", kind.name())))
            }
        }
    }

    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        let request = self.get(&format!("{}/{id}", kind.path()));
        match self.call::<EntityResponse>("read", request).await {
            Ok(answer) => {
                let entity = answer.into_entity().ok_or_else(|| nothing(kind.name()))?;
                Ok((!entity.is_deleted()).then_some(entity))
            }
            Err(CallError::Refused(fault)) if fault.has_code("610") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError> {
        let answers = self.rows_of_each(queries).await?;
        answers.into_iter().map(|answer| answer.total_count.ok_or_else(|| nothing("count"))).collect()
    }

    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        let answers = self.rows_of_each(queries).await?;
        Ok(answers.into_iter().map(QueryResponse::into_entities).collect())
    }

    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError> {
        self.changes(kinds, since).await
    }

    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError> {
        let names = names_of_holders(name);
        let named = |entity| Query::from(entity).filter(is_in("DisplayName", &names)).active_and_inactive();
        let answers = self.rows_of_each(&["Customer", "Vendor", "Employee"].map(named)).await?;
        Ok(answers.into_iter().flat_map(holders).collect())
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        let (company_info, preferences) = tokio::try_join!(self.company_info(), self.preferences())?;
        let lists = self.lists(&preferences).await?;
        Ok(ReferenceLists { company_info, preferences, ..lists })
    }
}

impl Client {
    /// The rows of each query in the queries' order, in as few calls as batches allow. One refusal refuses all.
    async fn rows_of_each(&self, queries: &[Query]) -> Result<Vec<QueryResponse>, CallError> {
        let mut answers = Vec::with_capacity(queries.len());
        for queries in queries.chunks(Batch::MAX_ITEMS) {
            if let [query] = queries {
                answers.push(self.rows(query).await?);
            } else {
                let named = |(place, query): (usize, _)| BatchItemRequest::query(place.to_string(), query);
                let items = queries.iter().enumerate().map(named).collect();
                answers.extend(in_order(queries.len(), self.in_one_call(items, None).await?)?);
            }
        }
        Ok(answers)
    }

    /// The lists that decide anything, whole, without company and preferences. Classes and locations are asked for only
    /// where they are tracked: smaller plans of QuickBooks do not have them (Intuit: error 5030).
    async fn lists(&self, preferences: &Preferences) -> Result<ReferenceLists, CallError> {
        let mut lists = ReferenceLists::default();
        let tracked = preferences.accounting_info_prefs.clone().unwrap_or_default();
        let everywhere = ["Account", "TaxCode", "TaxRate", "Term", "PaymentMethod"];
        let classes = tracked.tracks_classes().then_some("Class");
        let locations = (tracked.track_departments == Some(true)).then_some("Department");
        let entities = everywhere.into_iter().chain(classes).chain(locations);
        let mut open: Vec<(&'static str, u64)> = entities.map(|entity| (entity, 1)).collect();
        while !open.is_empty() {
            let page = |&(entity, start): &(&'static str, u64)| {
                Query::from(entity).order_by("Id").start(start).max(MAX_PAGE)
            };
            let pages = self.rows_of_each(&open.iter().map(page).collect::<Vec<_>>()).await?;
            let mut unfinished = Vec::new();
            for ((entity, start), page) in open.into_iter().zip(pages) {
                let rows = add(&mut lists, page);
                if rows >= MAX_PAGE as usize {
                    unfinished.push((entity, start + u64::from(MAX_PAGE)));
                }
            }
            open = unfinished;
        }
        Ok(lists)
    }
}

/// Adds a page to its list and tells its length.
fn add(lists: &mut ReferenceLists, page: QueryResponse) -> usize {
    let QueryResponse { account, tax_code, tax_rate, term, payment_method, class, department, .. } = page;
    let rows = account.len() + tax_code.len() + tax_rate.len() + term.len() + payment_method.len();
    let rows = rows + class.len() + department.len();
    lists.accounts.extend(account);
    lists.tax_codes.extend(tax_code);
    lists.tax_rates.extend(tax_rate);
    lists.terms.extend(term);
    lists.payment_methods.extend(payment_method);
    lists.classes.extend(class);
    lists.locations.extend(department);
    rows
}

fn item(place: usize, write: &Write) -> BatchItemRequest {
    let operation = match write {
        Write::Create(_) => Operation::Create,
        Write::Update(_) => Operation::Update,
    };
    BatchItemRequest::write(place.to_string(), operation, write.entity().clone())
}

/// What became of each write, in their order. One that is not answered for may have happened.
fn of_each(count: usize, answers: Vec<BatchItemResponse>) -> Vec<Result<Entity, CallError>> {
    let mut of_each: Vec<Result<Entity, CallError>> = vec![Err(nothing("batch item")); count];
    for answer in answers {
        let place = answer.b_id.parse::<usize>().ok().and_then(|place| of_each.get_mut(place));
        if let Some(place) = place {
            *place = match answer.into_outcome() {
                BatchOutcome::Entity(entity) => Ok(entity),
                BatchOutcome::Fault(fault) => Err(answer::refusal(fault)),
                BatchOutcome::Rows(_) | BatchOutcome::Empty => Err(nothing("entity")),
            };
        }
    }
    of_each
}

fn in_order(count: usize, answers: Vec<BatchItemResponse>) -> Result<Vec<QueryResponse>, CallError> {
    let mut rows: Vec<Option<QueryResponse>> = vec![None; count];
    for answer in answers {
        let place = answer.b_id.parse::<usize>().ok().and_then(|place| rows.get_mut(place));
        let place = place.ok_or_else(|| nothing("known batch id"))?;
        match answer.into_outcome() {
            BatchOutcome::Rows(answer) => *place = Some(*answer),
            BatchOutcome::Fault(fault) => return Err(answer::refusal(fault)),
            BatchOutcome::Entity(_) | BatchOutcome::Empty => return Err(nothing("rows")),
        }
    }
    rows.into_iter().map(|rows| rows.ok_or_else(|| nothing("answer to one of the queries"))).collect()
}

/// The name itself, and what QuickBooks calls those who had it when they were made inactive.
fn names_of_holders(name: &str) -> Vec<String> {
    let numbered = (2..=5).map(|number| format!("{name} (deleted {number})"));
    [name.to_owned(), format!("{name} (deleted)")].into_iter().chain(numbered).collect()
}

fn holders(rows: QueryResponse) -> Vec<NameHolder> {
    let customers = rows.customer.into_iter().map(|row| ("Customer", row.id, row.display_name, row.active));
    let vendors = rows.vendor.into_iter().map(|row| ("Vendor", row.id, row.display_name, row.active));
    let employees = rows.employee.into_iter().map(|row| ("Employee", row.id, row.display_name, row.active));
    customers
        .chain(vendors)
        .chain(employees)
        .filter_map(|(entity, id, name, active)| {
            Some(NameHolder {
                entity: entity.to_owned(),
                id: QuickBooksId::new(id?).ok()?,
                name: name.unwrap_or_default(),
                active: active != Some(false),
            })
        })
        .collect()
}
