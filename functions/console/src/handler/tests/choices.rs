//! Sync settings that are chosen from what QuickBooks has: accounts, class, location and custom fields.

use sync::model::{PaymentMethod, ProductType};
use sync::reference::{Account, Classes, CustomField, Tracked};
use sync::settings::Settings;

use super::*;

const PAGE: &str = "/console/settings";

/// A person of acme, whose QuickBooks tracks classes and locations and has two custom fields.
async fn world() -> World {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    reread(&world, |reference| {
        reference.accounts.push(account("4", "Card clearing", "Other Current Asset"));
        let all = vec![tracked("7", "North"), tracked("8", "North:Coast")];
        reference.classes = Some(Classes { per_line: false, all });
        reference.locations = Some(vec![tracked("9", "Yard")]);
        reference.custom_fields = vec![field("1", "Crew"), field("2", "Gate <code>")];
    })
    .await;
    world
}

/// Lets the lists that are cached of QuickBooks be others.
async fn reread(world: &World, change: impl Fn(&mut Reference)) {
    let books = world.company("acme").await.books().unwrap();
    let mut reference = world.companies.reference(&books).await.unwrap().unwrap();
    change(&mut reference);
    world.companies.save_reference(&books, &reference).await.unwrap();
}

fn qb(id: &str) -> QuickBooksId {
    QuickBooksId::new(id).unwrap()
}

fn account(id: &str, name: &str, account_type: &str) -> Account {
    let sub_type = String::new();
    Account { id: qb(id), name: name.into(), account_type: account_type.into(), sub_type }
}

fn tracked(id: &str, name: &str) -> Tracked {
    Tracked { id: qb(id), name: name.into() }
}

fn field(id: &str, name: &str) -> CustomField {
    CustomField { id: id.into(), name: name.into() }
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

/// What a browser would send of the page's form if nothing is touched.
fn form(page: &str) -> Vec<(String, String)> {
    let (_, form) = page.split_once(&format!("action=\"{PAGE}\">")).expect("the form");
    let (form, _) = form.split_once("</form>").unwrap();
    let (mut fields, mut select) = (Vec::new(), String::new());
    for tag in form.split('<') {
        let tag = tag.split('>').next().unwrap();
        let value = attribute(tag, "value").unwrap_or_default();
        match tag.split(' ').next().unwrap() {
            "select" => {
                select = attribute(tag, "name").unwrap();
                fields.push((select.clone(), String::new()));
            }
            "option" if tag.ends_with(" selected") => {
                assert_eq!(fields.last().unwrap(), &(select.clone(), String::new()), "selected twice");
                fields.last_mut().unwrap().1 = value;
            }
            "input" if tag.contains("type=\"checkbox\"") && !tag.contains(" checked") => {}
            "input" if tag.contains("type=\"checkbox\"") => {
                fields.push((attribute(tag, "name").unwrap(), "on".to_owned()));
            }
            "input" => fields.push((attribute(tag, "name").unwrap(), value)),
            _ => {}
        }
    }
    fields
}

/// Opens the page, chooses, and saves.
async fn choose(world: &World, choices: &[(&str, &str)]) -> Got {
    let mut fields = form(&world.get(PAGE).await.text);
    for (name, value) in choices {
        let field = fields.iter_mut().find(|(known, _)| known == name).expect(name);
        field.1 = (*value).to_owned();
    }
    send(world, &fields).await
}

async fn send(world: &World, fields: &[(String, String)]) -> Got {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    world.ask(Method::POST, PAGE, &body, &[]).await
}

/// What is chosen on the page, as a person reads it.
fn shown(page: &str, name: &str) -> String {
    let (_, select) = page.split_once(&format!("<select id=\"{name}\" name=\"{name}\">")).expect(name);
    let (select, _) = select.split_once("</select>").unwrap();
    let option = select.split("<option ").find(|option| option.contains(" selected>"));
    let option = option.or_else(|| select.split("<option ").nth(1)).unwrap();
    let (_, text) = option.split_once('>').unwrap();
    text.trim_end_matches("</option>").to_owned()
}

/// Each select: its name, what is chosen, how the page shows that, and where it is stored.
type Stored = fn(&Settings) -> Option<String>;
const CHOICES: [(&str, &str, &str, Stored); 9] = [
    ("income_account", "3", "Sales of Product Income", |it| id_of(it.default_income_account.as_ref())),
    ("income_account_goods", "1", "Services", |it| id_of(it.income_accounts.get(&ProductType::Goods))),
    ("deposit_account", "2", "Checking", |it| id_of(it.deposit_account.as_ref())),
    ("deposit_account_card", "4", "Card clearing", |it| id_of(it.deposit_accounts.get(&PaymentMethod::Card))),
    ("deposit_account_check", "2", "Checking", |it| id_of(it.deposit_accounts.get(&PaymentMethod::Check))),
    ("class", "8", "North:Coast", |it| id_of(it.class.as_ref())),
    ("location", "9", "Yard", |it| id_of(it.location.as_ref())),
    ("custom_value1", "2", "Gate &lt;code&gt;", |it| it.custom_fields.get("custom_value1").cloned()),
    ("custom_value4", "1", "Crew", |it| it.custom_fields.get("custom_value4").cloned()),
];

fn id_of(id: Option<&QuickBooksId>) -> Option<String> {
    id.map(ToString::to_string)
}

/// R59, R62, R88: each choice is stored, shown again, and goes when nothing is chosen in its stead.
#[tokio::test]
async fn each_choice_is_saved_and_read_back() {
    let world = world().await;
    for (name, value, title, stored) in CHOICES {
        let before = world.company("acme").await.settings;
        let saved = choose(&world, &[(name, value)]).await;
        assert_eq!(saved.header("location"), "/console/settings?said=saved", "{name}: {}", saved.text);
        let settings = world.company("acme").await.settings;
        assert_eq!(stored(&settings).as_deref(), Some(value), "{name}");
        let page = world.get("/console/settings?said=saved").await.text;
        assert_eq!(shown(&page, name), title);
        assert!(page.contains("Saved."), "{page}");
        let others = CHOICES.iter().filter(|(other, ..)| *other != name);
        assert!(others.clone().all(|(.., stored)| stored(&settings) == stored(&before)), "only {name}");
        choose(&world, &[(name, "")]).await;
        assert_eq!(stored(&world.company("acme").await.settings), None, "{name} is chosen no more");
        choose(&world, &[(name, value)]).await;
    }
    let all: Vec<(&str, &str)> = CHOICES.iter().map(|(name, value, ..)| (*name, *value)).collect();
    let settings = world.company("acme").await.settings;
    choose(&world, &all).await;
    assert_eq!(world.company("acme").await.settings, settings, "the same once more");
}

/// Whatever a browser sends: what QuickBooks does not offer is told, and nothing else of the form is saved either.
#[tokio::test]
async fn what_quickbooks_does_not_offer_is_refused_and_nothing_is_changed() {
    let world = world().await;
    choose(&world, &[("deposit_account", "2"), ("class", "7"), ("custom_value1", "1")]).await;
    let before = world.company("acme").await;
    for (name, value, told) in [
        (
            "income_account",
            "99",
            "there is no active account &quot;99&quot;; those for income are: Services (1)",
        ),
        ("income_account_goods", "2", "account Checking (2) is of type Bank, not Income"),
        ("deposit_account", "99", "those for deposits are: Checking (2), Card clearing (4)"),
        ("deposit_account", "1", "account Services (1) is of type Income, not Bank or Other Current Asset"),
        ("deposit_account_cash", "3", "is of type Income, not Bank"),
        ("class", "9", "there is no active class &quot;9&quot;; there are: North (7), North:Coast (8)"),
        ("location", "7", "there is no active location &quot;7&quot;; there are: Yard (9)"),
        ("custom_value2", "3", "there is no custom field &quot;3&quot; on sales forms; there are: Crew (1)"),
        ("custom_value2", "1", "custom field Crew stands for custom_value1 already"),
        ("class", "<script>alert(1)</script>", "there is no active class"),
        ("location", "9' or '1'='1", "there is no active location"),
        ("deposit_account", "../realm#2", "there is no active account"),
    ] {
        let refused = choose(&world, &[("client", "push"), ("cut_off", "2020-01-01"), (name, value)]).await;
        assert_eq!(refused.status, 422, "{name}={value}");
        let said = refused.text.split("role=\"status\">").nth(1).unwrap_or_default();
        assert!(said.starts_with("Nothing was saved: ") && said.contains(told), "{name}={value}: {said}");
        assert!(!refused.text.contains("<script>alert"), "{name}={value}");
        assert_eq!(world.company("acme").await, before, "{name}={value}");
    }
}

/// What a page offered may be gone when the form comes; what was chosen before may stay.
#[tokio::test]
async fn a_choice_that_quickbooks_has_given_up_meanwhile_is_told() {
    let world = world().await;
    choose(&world, &[("deposit_account", "2"), ("class", "7"), ("custom_value1", "1")]).await;
    let old_page = form(&world.get(PAGE).await.text);
    reread(&world, |reference| {
        reference.accounts.retain(|account| account.account_type == "Income");
        reference.classes = None;
        reference.locations = Some(Vec::new());
        reference.custom_fields.clear();
    })
    .await;
    let before = world.company("acme").await;
    for (name, value, told) in [
        ("deposit_account_card", "4", "there is no active account &quot;4&quot;"),
        ("location", "9", "there is no active location &quot;9&quot;"),
        ("custom_value2", "2", "there is no custom field &quot;2&quot; on sales forms; there are: none"),
    ] {
        let mut form = old_page.clone();
        form.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.to_owned();
        let refused = send(&world, &form).await;
        assert!(refused.status == 422 && refused.text.contains(told), "{name}: {}", refused.text);
    }
    assert_eq!(world.company("acme").await, before);

    let page = world.get(PAGE).await.text;
    assert_eq!(shown(&page, "deposit_account"), "Id 2, which is not active in QuickBooks");
    assert_eq!(shown(&page, "class"), "Id 7, which is not active in QuickBooks");
    assert_eq!(shown(&page, "custom_value1"), "Field 1, which is not in use in QuickBooks");
    let saved = choose(&world, &[("client", "push")]).await;
    assert_eq!(saved.status, 303, "who changes something else is not kept from it: {}", saved.text);
    let mut expected = before.settings;
    expected.directions.client = Direction::Push;
    assert_eq!(world.company("acme").await.settings, expected);
    choose(&world, &[("class", "")]).await;
    let page = world.get(PAGE).await.text;
    assert!(!page.contains("name=\"class\""), "classes are not tracked, and none is chosen any more");
}

/// A page that was made before QuickBooks was connected has no such selects: what was chosen since stays.
#[tokio::test]
async fn a_form_without_the_selects_leaves_the_choices_alone() {
    let world = World::inside("acme").await;
    let page = world.get(PAGE).await.text;
    assert!(page.contains("The accounts are known once QuickBooks is connected."), "{page}");
    assert!(form(&page).iter().all(|(name, _)| CHOICES.iter().all(|(known, ..)| name != known)));
    let world = self::world().await;
    for (name, value, ..) in CHOICES {
        choose(&world, &[(name, value)]).await;
    }
    let before = world.company("acme").await.settings;
    let mut form = form(&world.get(PAGE).await.text);
    form.retain(|(name, _)| CHOICES.iter().all(|(known, ..)| name != known));
    assert_eq!(send(&world, &form).await.status, 303);
    assert_eq!(world.company("acme").await.settings, before);
}

/// Two custom fields change places with one click on Save.
#[tokio::test]
async fn custom_fields_may_change_places() {
    let world = world().await;
    choose(&world, &[("custom_value1", "1"), ("custom_value2", "2")]).await;
    let saved = choose(&world, &[("custom_value1", "2"), ("custom_value2", "1")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let page = world.get(PAGE).await.text;
    assert_eq!(shown(&page, "custom_value1"), "Gate &lt;code&gt;");
    assert_eq!(shown(&page, "custom_value2"), "Crew");
}

/// Who has to mend one field does not have to enter all the others again.
#[tokio::test]
async fn what_was_entered_stays_on_the_page_that_refuses_it() {
    let world = world().await;
    choose(&world, &[("class", "7"), ("custom_value1", "1")]).await;
    let before = world.company("acme").await;
    let mut fields = form(&world.get(PAGE).await.text);
    fields.retain(|(name, _)| name != "create_clients");
    fields.push(("push_product_edits".to_owned(), "on".to_owned()));
    for (name, value) in [
        ("client", "push"),
        ("class", "8"),
        ("deposit_account_card", "4"),
        ("custom_value1", "2"),
        ("cut_off", "2026-01-31"),
        ("notify_to", "books@example.com, <nobody>"),
    ] {
        fields.iter_mut().find(|(known, _)| known == name).expect(name).1 = value.to_owned();
    }
    let refused = send(&world, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("&quot;&lt;nobody&gt;&quot; is no address"), "{}", refused.text);
    assert_eq!(world.company("acme").await, before, "nothing is saved");
    let mut again = form(&refused.text);
    let to = again.iter_mut().find(|(name, _)| name == "notify_to").unwrap();
    assert_eq!(to.1, "books@example.com, &lt;nobody&gt;");
    to.1 = "books@example.com, <nobody>".to_owned();
    assert_eq!(without_marks(again.clone()), without_marks(fields));

    again.iter_mut().find(|(name, _)| name == "notify_to").unwrap().1 = "books@example.com".to_owned();
    assert_eq!(send(&world, &again).await.status, 303, "one field is mended");
    let settings = world.company("acme").await.settings;
    assert_eq!(settings.directions.client, Direction::Push);
    assert_eq!((settings.create_clients, settings.push_product_edits), (false, true));
    assert_eq!(id_of(settings.class.as_ref()).as_deref(), Some("8"));
    assert_eq!(settings.cut_off.map(|day| day.to_string()).as_deref(), Some("2026-01-31"));
}

/// In the order of their names, without what only proves whose page it is.
fn without_marks(mut fields: Vec<(String, String)>) -> Vec<(String, String)> {
    fields.retain(|(name, _)| name != "mark");
    fields.sort();
    fields
}
