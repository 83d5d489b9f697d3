//! Companies in DynamoDB.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `{company}` | `company` | settings, connection and version |
//! | `{company}` | `reference#{realm}` | what is cached of the QuickBooks company |
//! | `{company}` | `once#{nonce}` | a value that may be used once |
//! | `{company}` | `cursor#{kind}` | how far the billing app was polled |
//! | `{company}` | `lease#{realm}#{name}` | who may do something alone, and until when |
//! | `{company}` | `budget#{realm}` | the turns of the realm's calls (`budget`) |
//! | `{company}` | `sweep#{realm}` | where the sweeps of the books have got to |
//! | `{company}` | `standing#{realm}` | how the connection stands; in the index `due` while it is to be looked at |
//! | `{company}` | `names#{realm}#{kind}…` | the names of both sides (`pairing`) |
//! | `realm#{realm}` | `realm` | the company that the realm belongs to |
//! | `connected#{part}` | `{company}` | that it was ever connected, in one of sixteen parts |

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sync::ids::{Books, CompanyId, RealmId};
use sync::model::Kind;
use sync::poll::{Cursor, Cursors};
use sync::ports::{Companies, ConnectError, Heard, Lease, Standings, StoreError, Sweeps};
use sync::reconcile;
use sync::reference::Reference;
use sync::settings::{Company, Connection};
use sync::standing::Standing;

use crate::item::{
    BadItem, Item, PK, SK, document, expire, get_text, keyed, moment, number, put_document, text,
};
use crate::table::{Condition, Order, Table, Write, Written};

/// In how many parts the companies are listed that were ever connected.
const PARTS: u8 = 16;

/// The index of what is due: in one of sixteen parts, by when it is due. An index of the item itself can be a moment
/// late, but never says for long what the item does not, as an item beside it could after a crash.
const DUE: &str = "due";
const DUE_PART: &str = "due_part";
const DUE_AT: &str = "due_at";

const COMPANY: &str = "company";
const REALM: &str = "realm";
const VERSION: &str = "version";
const UNTIL: &str = "until";
const HOLDER: &str = "holder";

/// How often a connection is tried against others who change the company at the same moment.
const TRIES: u32 = 5;

/// The companies in one table.
#[derive(Clone, Debug)]
pub struct DynamoCompanies {
    pub(crate) table: Table,
}

impl DynamoCompanies {
    pub(crate) fn new(table: Table) -> DynamoCompanies {
        DynamoCompanies { table }
    }
}

fn realm_partition(realm: &RealmId) -> String {
    format!("realm#{realm}")
}

fn part_key(part: u8) -> String {
    format!("connected#{part}")
}

/// The part in which a company is listed.
fn part_of(company: &CompanyId) -> u8 {
    Sha256::digest(company.as_str()).first().copied().unwrap_or_default() % PARTS
}

fn sweep_key(realm: &RealmId) -> String {
    format!("sweep#{realm}")
}

/// The only item under [`heard_key`].
const HEARD: &str = "webhook";

/// Under a key of its own, so that whoever takes webhooks in may write nothing else.
fn heard_key(realm: &RealmId) -> String {
    format!("heard#{realm}")
}

fn standing_key(realm: &RealmId) -> String {
    format!("standing#{realm}")
}

fn due_key(part: u8) -> String {
    format!("due#{part}")
}

fn standing_item(books: &Books, standing: &Standing) -> Result<Item, BadItem> {
    let mut item = keyed(books.company.as_str(), &standing_key(&books.realm));
    item.insert(VERSION.to_owned(), number(standing.version));
    if let Some(at) = standing.due_at {
        item.insert(DUE_PART.to_owned(), text(due_key(part_of(&books.company))));
        item.insert(DUE_AT.to_owned(), moment(at));
    }
    put_document(&mut item, standing)?;
    Ok(item)
}

/// The books of a standing's key.
fn books_of(item: &Item) -> Result<Books, StoreError> {
    let action = "finding what is due";
    let company = CompanyId::new(get_text(item, PK).map_err(bad(action))?);
    let realm = get_text(item, SK).map_err(bad(action))?.trim_start_matches("standing#");
    Ok(Books {
        company: company.map_err(|error| StoreError::new(action, error))?,
        realm: RealmId::new(realm).map_err(|error| StoreError::new(action, error))?,
    })
}

fn reference_key(realm: &RealmId) -> String {
    format!("reference#{realm}")
}

fn once_key(nonce: &str) -> String {
    format!("once#{nonce}")
}

fn lease_key(books: &Books, lease: &Lease) -> String {
    format!("lease#{}#{}", books.realm, lease.name)
}

fn company_item(company: &Company) -> Result<Item, BadItem> {
    let mut item = keyed(company.id.as_str(), COMPANY);
    item.insert(VERSION.to_owned(), number(company.version));
    put_document(&mut item, company)?;
    Ok(item)
}

fn reference_item(books: &Books, reference: &Reference) -> Result<Item, BadItem> {
    let mut item = keyed(books.company.as_str(), &reference_key(&books.realm));
    put_document(&mut item, reference)?;
    Ok(item)
}

fn realm_item(realm: &RealmId, company: &CompanyId) -> Item {
    let mut item = keyed(&realm_partition(realm), REALM);
    item.insert(COMPANY.to_owned(), text(company.as_str()));
    item
}

/// What is stored is the version before.
fn follows(version: u64) -> Condition {
    match version {
        0 | 1 => Condition::new("attribute_not_exists(#pk)"),
        version => Condition::new("#version = :before").value("before", number(version - 1)),
    }
}

fn belongs_to(company: &CompanyId) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #company = :company").value(COMPANY, text(company.as_str()))
}

fn bad(action: &'static str) -> impl FnOnce(BadItem) -> StoreError {
    move |error| StoreError::new(action, error)
}

#[async_trait]
impl Companies for DynamoCompanies {
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError> {
        let action = "reading a company";
        let item = self.table.get(action, company.as_str(), COMPANY).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }

    async fn save(&self, company: &Company) -> Result<bool, StoreError> {
        let action = "storing a company";
        if company.version == 0 {
            return Ok(false);
        }
        let item = company_item(company).map_err(bad(action))?;
        match self.table.put_if(action, item, follows(company.version)).await? {
            Written::Yes(_) => Ok(true),
            // An attempt whose answer was lost may have stored it already.
            Written::No(item) => Ok(document::<Company>(&item).is_ok_and(|stored| stored == *company)),
        }
    }

    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError> {
        let action = "connecting a company";
        let books = Books { company: company.clone(), realm: connection.realm.clone() };
        for _ in 0..TRIES {
            let mut stored = self.load(company).await?.ok_or(ConnectError::UnknownCompany)?;
            let given_up = stored.books().map(|books| books.realm).filter(|realm| *realm != connection.realm);
            stored.connect(connection.clone()).map_err(|present| ConnectError::OtherRealm(present.name))?;
            stored.version += 1;
            let mut writes = vec![
                Write::Put(realm_item(&connection.realm, company), Some(belongs_to(company))),
                Write::Put(company_item(&stored).map_err(bad(action))?, Some(follows(stored.version))),
                Write::Put(reference_item(&books, reference).map_err(bad(action))?, None),
                Write::Put(keyed(&part_key(part_of(company)), company.as_str()), None),
            ];
            if let Some(realm) = given_up {
                writes.push(Write::Delete(keyed(&realm_partition(&realm), REALM), Some(belongs_to(company))));
            }
            match self.table.transact(action, writes).await? {
                Ok(()) => return Ok(()),
                Err(refusals) if matches!(refusals.first(), Some(Some(_))) => {
                    return Err(ConnectError::RealmTaken);
                }
                Err(_) => {}
            }
        }
        Err(StoreError::new(action, "others kept changing the company").into())
    }

    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError> {
        let action = "finding a realm's company";
        let Some(item) = self.table.get(action, &realm_partition(realm), REALM).await? else {
            return Ok(None);
        };
        let company = CompanyId::new(get_text(&item, COMPANY).map_err(bad(action))?);
        company.map(Some).map_err(|error| StoreError::new(action, error))
    }

    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError> {
        let action = "reading what is cached of QuickBooks";
        let item = self.table.get(action, books.company.as_str(), &reference_key(&books.realm)).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }

    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError> {
        let action = "caching what QuickBooks says";
        self.table.put(action, reference_item(books, reference).map_err(bad(action))?).await
    }

    async fn issue_once(
        &self,
        company: &CompanyId,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = keyed(company.as_str(), &once_key(nonce));
        item.insert(UNTIL.to_owned(), moment(expires_at));
        expire(&mut item, expires_at);
        self.table.put("remembering a value for one use", item).await
    }

    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError> {
        let is_good = Condition::new("#until > :now").value("now", moment(now));
        self.table.delete_if("using up a value", company.as_str(), &once_key(nonce), is_good).await
    }

    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        let mut item = keyed(books.company.as_str(), &lease_key(books, lease));
        item.insert(HOLDER.to_owned(), text(lease.holder.as_str()));
        item.insert(UNTIL.to_owned(), moment(lease.until));
        expire(&mut item, lease.until);
        let is_free = Condition::new("attribute_not_exists(#pk) OR #until <= :now OR #holder = :holder")
            .value("now", moment(now))
            .value(HOLDER, text(lease.holder.as_str()));
        Ok(matches!(self.table.put_if("taking a lease", item, is_free).await?, Written::Yes(_)))
    }

    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError> {
        let is_ours = Condition::new("#holder = :holder").value(HOLDER, text(lease.holder.as_str()));
        let sk = lease_key(books, lease);
        self.table.delete_if("giving a lease back", books.company.as_str(), &sk, is_ours).await?;
        Ok(())
    }
}

fn cursor_key(kind: Kind) -> String {
    format!("cursor#{kind}")
}

#[async_trait]
impl Cursors for DynamoCompanies {
    async fn cursor(&self, company: &CompanyId, kind: Kind) -> Result<Option<Cursor>, StoreError> {
        let action = "reading how far the billing app was polled";
        let item = self.table.get(action, company.as_str(), &cursor_key(kind)).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }

    async fn save_cursor(&self, company: &CompanyId, kind: Kind, cursor: &Cursor) -> Result<(), StoreError> {
        let action = "storing how far the billing app was polled";
        let mut item = keyed(company.as_str(), &cursor_key(kind));
        put_document(&mut item, cursor).map_err(bad(action))?;
        self.table.put(action, item).await
    }
}

#[async_trait]
impl Standings for DynamoCompanies {
    async fn standing(&self, books: &Books) -> Result<Option<Standing>, StoreError> {
        let action = "reading how a connection stands";
        let item = self.table.get(action, books.company.as_str(), &standing_key(&books.realm)).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }

    async fn save_standing(&self, books: &Books, standing: &Standing) -> Result<bool, StoreError> {
        let action = "storing how a connection stands";
        if standing.version == 0 {
            return Ok(false);
        }
        let item = standing_item(books, standing).map_err(bad(action))?;
        match self.table.put_if(action, item, follows(standing.version)).await? {
            Written::Yes(_) => Ok(true),
            // An attempt whose answer was lost may have stored it already.
            Written::No(item) => Ok(document::<Standing>(&item).is_ok_and(|stored| stored == *standing)),
        }
    }

    async fn due(
        &self,
        now: Timestamp,
        from: Option<&str>,
    ) -> Result<(Vec<Books>, Option<String>), StoreError> {
        let action = "finding what is due";
        let part: u8 = from.map_or(Ok(0), str::parse).map_err(|error| StoreError::new(action, error))?;
        let until = Condition::new("#due_part = :due_part AND #due_at <= :due_at")
            .value(DUE_PART, text(due_key(part)))
            .value(DUE_AT, moment(now));
        let items = self.table.query_index(action, DUE, &until).await?;
        let books = items.iter().map(books_of).collect::<Result<_, _>>()?;
        Ok((books, (part + 1 < PARTS).then(|| (part + 1).to_string())))
    }
}

#[async_trait]
impl Sweeps for DynamoCompanies {
    async fn ever_connected(
        &self,
        from: Option<&str>,
    ) -> Result<(Vec<CompanyId>, Option<String>), StoreError> {
        let action = "listing companies";
        let part: u8 = from.map_or(Ok(0), str::parse).map_err(|error| StoreError::new(action, error))?;
        let items = self.table.query(action, &part_key(part), Order::Ascending, usize::MAX).await?;
        let company = |item: &Item| {
            let company = CompanyId::new(get_text(item, SK).map_err(bad(action))?);
            company.map_err(|error| StoreError::new(action, error))
        };
        let companies = items.iter().map(company).collect::<Result<_, _>>()?;
        Ok((companies, (part + 1 < PARTS).then(|| (part + 1).to_string())))
    }

    async fn cursor(&self, books: &Books) -> Result<Option<reconcile::Cursor>, StoreError> {
        let action = "reading how far a sweep got";
        let item = self.table.get(action, books.company.as_str(), &sweep_key(&books.realm)).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }

    async fn save_cursor(&self, books: &Books, cursor: &reconcile::Cursor) -> Result<(), StoreError> {
        let action = "noting how far a sweep got";
        let mut item = keyed(books.company.as_str(), &sweep_key(&books.realm));
        put_document(&mut item, cursor).map_err(bad(action))?;
        self.table.put(action, item).await
    }
}

/// How many realms are noted at a time.
const NOTED_AT_A_TIME: usize = 16;

#[async_trait]
impl Heard for DynamoCompanies {
    async fn note_webhook(&self, realms: &[RealmId], at: Timestamp) -> Result<(), StoreError> {
        let action = "noting a webhook";
        let note = async |realm: &RealmId| {
            let mut item = keyed(&heard_key(realm), HEARD);
            put_document(&mut item, &at).map_err(bad(action))?;
            self.table.put(action, item).await
        };
        stream::iter(realms).map(note).buffer_unordered(NOTED_AT_A_TIME).try_collect().await
    }

    async fn last_webhook(&self, realm: &RealmId) -> Result<Option<Timestamp>, StoreError> {
        let action = "reading when the last webhook came";
        let item = self.table.get(action, &heard_key(realm), HEARD).await?;
        item.as_ref().map(document).transpose().map_err(bad(action))
    }
}
