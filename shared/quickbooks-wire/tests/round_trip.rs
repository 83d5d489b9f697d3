//! What is read is written back member by member, numbers by their very text.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickbooks_wire::{
    Account, Batch, BatchItemRequest, BatchItemResponse, BatchOutcome, BatchResponse, CdcResponse,
    CompanyInfo, Customer, DetailType, Entity, EntityKind, EntityResponse, Invoice, Item, ItemType,
    Operation, Payment, PaymentLine, PaymentMethod, Preferences, Query, QueryAnswer, QueryResponse, Ref,
    TaxAgency, TaxCode, TaxRate, TaxService, Term,
};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Holds for payloads of members that the type knows. With arbitrary precision, values compare numbers by their text.
fn comes_back<T: DeserializeOwned + Serialize>(payload: &str) -> T {
    let sent: Value = serde_json::from_str(payload).unwrap();
    let read: T = serde_json::from_str(payload).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), sent);
    read
}

const CUSTOMER: &str = r#"{
    "Id": "71", "SyncToken": "2", "sparse": false, "Active": true,
    "MetaData": {"CreateTime": "2026-02-03T08:00:00-08:00", "LastUpdatedTime": "2026-02-04T09:10:11-08:00"},
    "DisplayName": "Öresund Gardens", "FullyQualifiedName": "Holding:Öresund Gardens", "Job": true, "Level": 1,
    "ParentRef": {"value": "70"}, "BillWithParent": false, "GivenName": "Åsa", "FamilyName": "O'Neil",
    "PrimaryEmailAddr": {"Address": "asa@gardens.example"}, "PrimaryPhone": {"FreeFormNumber": "+46 40 123"},
    "WebAddr": {"URI": "https://gardens.example"},
    "BillAddr": {"Id": "9", "Line1": "1 Quay", "City": "Malmö", "Country": "SWE", "PostalCode": "211 20"},
    "Taxable": false, "TaxExemptionReasonId": "9", "Balance": 1020.50, "BalanceWithJobs": 1020.50,
    "CurrencyRef": {"value": "USD", "name": "United States Dollar"}, "PreferredDeliveryMethod": "Print"
}"#;

const INVOICE: &str = r#"{
    "Id": "201", "SyncToken": "0", "DocNumber": "F-1001", "TxnDate": "2026-03-01", "DueDate": "2026-03-31",
    "CustomerRef": {"value": "71", "name": "Öresund Gardens"}, "GlobalTaxCalculation": "TaxInclusive",
    "Line": [
        {"Id": "1", "LineNum": 1, "Description": "Hedge", "Amount": 277.69, "DetailType": "SalesItemLineDetail",
         "SalesItemLineDetail": {"ItemRef": {"value": "12"}, "UnitPrice": 92.5633333, "Qty": 3, "TaxInclusiveAmt": 305.46,
             "TaxCodeRef": {"value": "5"}, "ServiceDate": "2026-02-27"}},
        {"Id": "2", "Amount": 0, "DetailType": "GroupLineDetail",
         "GroupLineDetail": {"GroupItemRef": {"value": "49"}, "Quantity": 1.5,
             "Line": [{"Amount": 10.00, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"Qty": 2}}]}},
        {"Id": "3", "Description": "Thank you", "DetailType": "DescriptionOnly", "DescriptionLineDetail": {}},
        {"Amount": 287.69, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
        {"Amount": 28.77, "DetailType": "DiscountLineDetail",
         "DiscountLineDetail": {"PercentBased": true, "DiscountPercent": 10, "DiscountAccountRef": {"value": "86"}}}
    ],
    "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 25.89, "TaxLine": [
        {"Amount": 25.89, "DetailType": "TaxLineDetail", "TaxLineDetail": {"TaxRateRef": {"value": "3"},
         "PercentBased": true, "TaxPercent": 0.1104167, "NetAmountTaxable": 258.92}}]},
    "BillEmail": {"Address": "asa@gardens.example"}, "EmailStatus": "NeedToSend", "CustomerMemo": {"value": "Thanks"},
    "ExchangeRate": 1, "TotalAmt": 284.81, "Balance": 0, "LinkedTxn": [{"TxnId": "230", "TxnType": "Payment"}],
    "AllowOnlineACHPayment": false
}"#;

const PAYMENT: &str = r#"{
    "Id": "230", "SyncToken": "0", "CustomerRef": {"value": "71"}, "TotalAmt": 300.00, "UnappliedAmt": 15.19,
    "Line": [{"Amount": 284.81, "LinkedTxn": [{"TxnId": "201", "TxnType": "Invoice"}]}], "TxnDate": "2026-03-05",
    "PaymentRefNum": "CHQ 7", "DepositToAccountRef": {"value": "4"}, "ARAccountRef": {"value": "84"}
}"#;

#[test]
fn entities_come_back() {
    let customer: Customer = comes_back(CUSTOMER);
    assert_eq!(customer.balance, Some(Decimal::new(102_050, 2)));
    let invoice: Invoice = comes_back(INVOICE);
    assert_eq!(invoice.lines()[3].detail_type, Some(DetailType::SubTotalLineDetail));
    comes_back::<Payment>(PAYMENT);
    let item: Item = comes_back(
        r#"{"Id": "12", "SyncToken": "1", "Active": true, "Name": "Hedge", "FullyQualifiedName": "Green:Hedge",
            "Type": "NonInventory", "Sku": "H-1", "UnitPrice": 92.5633333, "PurchaseCost": 0, "Taxable": true,
            "IncomeAccountRef": {"value": "79", "name": "Sales"}, "SubItem": true, "ParentRef": {"value": "11"}}"#,
    );
    assert_eq!(item.item_type, Some(ItemType::NonInventory));
}

#[test]
fn lists_and_company_come_back() {
    comes_back::<Account>(
        r#"{"Id": "79", "Name": "Sales", "AccountType": "Income", "CurrentBalance": 12.00}"#,
    );
    comes_back::<Term>(r#"{"Id": "3", "Name": "Net 30", "Type": "STANDARD", "DueDays": 30, "Active": true}"#);
    comes_back::<PaymentMethod>(r#"{"Id": "2", "Name": "Check", "Type": "NON_CREDIT_CARD"}"#);
    comes_back::<TaxAgency>(r#"{"Id": "1", "DisplayName": "State", "TaxTrackedOnSales": true}"#);
    comes_back::<TaxRate>(r#"{"Id": "3", "Name": "City", "RateValue": 7.1, "AgencyRef": {"value": "1"}}"#);
    comes_back::<TaxCode>(
        r#"{"Id": "2", "Name": "City", "Taxable": true, "TaxGroup": true, "SalesTaxRateList": {"TaxRateDetail":
            [{"TaxRateRef": {"value": "3"}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}]}}"#,
    );
    comes_back::<TaxService>(
        r#"{"TaxCode": "City", "TaxRateDetails": [{"TaxRateName": "City", "RateValue": "8", "TaxAgencyId": "1",
            "TaxApplicableOn": "Sales"}, {"TaxRateId": "3"}]}"#,
    );
    let company: CompanyInfo = comes_back(
        r#"{"Id": "1", "CompanyName": "Fern & Co", "Country": "US", "DefaultTimeZone": "America/Chicago",
            "NameValue": [{"Name": "SubscriptionStatus", "Value": "PAID"}]}"#,
    );
    assert_eq!(company.fact("SubscriptionStatus"), Some("PAID"));
    let preferences: Preferences = comes_back(
        r#"{"SalesFormsPrefs": {"CustomTxnNumbers": true, "ETransactionPaymentEnabled": false,
                "DefaultDiscountAccount": "86"},
            "TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true},
            "CurrencyPrefs": {"MultiCurrencyEnabled": false, "HomeCurrency": {"value": "USD"}},
            "AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"},
            "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultItem", "Value": "1"}]}}"#,
    );
    assert_eq!(preferences.other_prefs.unwrap().setting("SalesFormsPrefs.DefaultItem"), Some("1"));
}

#[test]
fn unknown_members_and_values_do_no_harm() {
    let line = r#"{"domain": "QBO", "EInvoiceStatus": [], "TaxExemptionRef": {}, "Line": [
        {"DetailType": "TDSLineDetail", "TDSLineDetail": {"TDSSectionTypeId": 1}, "LineEx": {"any": []}}]}"#;
    let invoice: Invoice = serde_json::from_str(line).unwrap();
    assert_eq!(invoice.lines()[0].detail_type, Some(DetailType::Other("TDSLineDetail".into())));
    assert_eq!(serde_json::to_string(&invoice).unwrap(), r#"{"Line":[{"DetailType":"TDSLineDetail"}]}"#);
}

#[test]
fn amounts_keep_their_digits() {
    for (sent, written) in [
        ("100.00", "100.00"),
        ("0", "0"),
        ("0.1104167", "0.1104167"),
        ("-12.50", "-12.50"),
        ("99999999999.9999999", "99999999999.9999999"),
        (r#""337.50""#, "337.50"),
        ("1e2", "100"),
    ] {
        let payment: Payment = serde_json::from_str(&format!(r#"{{"TotalAmt":{sent}}}"#)).unwrap();
        assert_eq!(serde_json::to_string(&payment).unwrap(), format!(r#"{{"TotalAmt":{written}}}"#));
    }
    let none: Payment = serde_json::from_str(r#"{"TotalAmt":null}"#).unwrap();
    assert_eq!(none, Payment::default());
}

#[test]
fn a_sparse_write_names_only_what_it_sets() {
    let customer = Customer {
        sparse: Some(true),
        notes: Some(String::new()),
        currency_ref: Some(Ref::to("USD")),
        ..Customer::default()
    };
    insta::assert_snapshot!(
        serde_json::to_string(&Entity::from(customer)).unwrap(),
        @r#"{"sparse":true,"Notes":"","CurrencyRef":{"value":"USD"}}"#
    );
    insta::assert_snapshot!(
        serde_json::to_string(&Payment { line: Some(vec![]), ..Payment::default() }).unwrap(),
        @r#"{"Line":[]}"#
    );
    insta::assert_snapshot!(
        serde_json::to_string(&PaymentLine::for_invoice("201", Decimal::new(2550, 2))).unwrap(),
        @r#"{"Amount":25.50,"LinkedTxn":[{"TxnId":"201","TxnType":"Invoice"}]}"#
    );
}

#[test]
fn answers_give_their_entity() {
    for (kind, payload) in [("Customer", CUSTOMER), ("Invoice", INVOICE), ("Payment", PAYMENT)] {
        let body = format!(r#"{{"{kind}":{payload},"time":"2026-03-01T10:00:00.1-08:00"}}"#);
        let answer: EntityResponse = serde_json::from_str(&body).unwrap();
        let entity = answer.into_entity().unwrap();
        assert_eq!(entity.kind().name(), kind);
        assert_eq!(EntityKind::from_name(entity.kind().path()), Some(entity.kind()));
        let sent: Value = serde_json::from_str(payload).unwrap();
        assert_eq!(entity.id(), sent["Id"].as_str());
        assert_eq!(entity.sync_token(), sent["SyncToken"].as_str());
        assert_eq!(entity.last_updated_time(), sent["MetaData"]["LastUpdatedTime"].as_str());
        assert!(!entity.is_deleted());
    }
}

#[test]
fn a_refusal_can_stand_in_any_answer() {
    let upper = json!({"Fault": {"Error": [{"Message": "No", "code": "6000"}], "type": "ValidationFault"}});
    let lower =
        json!({"fault": {"error": [{"message": "No", "code": "6000"}]}, "queryResponse": null, "time": 1});
    for body in [upper, lower] {
        assert!(
            serde_json::from_value::<EntityResponse>(body.clone()).unwrap().fault.unwrap().has_code("6000")
        );
        assert!(serde_json::from_value::<QueryAnswer>(body.clone()).unwrap().fault.unwrap().has_code("6000"));
        assert!(serde_json::from_value::<CdcResponse>(body.clone()).unwrap().fault.unwrap().has_code("6000"));
        assert!(serde_json::from_value::<BatchResponse>(body).unwrap().fault.unwrap().has_code("6000"));
    }
}

#[test]
fn queries_give_rows_or_a_count() {
    let none: QueryAnswer = serde_json::from_str(r#"{"QueryResponse":{},"time":"x"}"#).unwrap();
    assert_eq!(none.query_response, QueryResponse::default());
    let count: QueryAnswer = serde_json::from_str(r#"{"QueryResponse":{"totalCount":41}}"#).unwrap();
    assert_eq!(count.query_response.total_count, Some(41));
    let body =
        format!(r#"{{"Payment":[{PAYMENT}],"Customer":[{CUSTOMER}],"startPosition":1,"maxResults":2}}"#);
    let rows: QueryResponse = comes_back(&body);
    assert_eq!(
        rows.into_entities().iter().map(Entity::kind).collect::<Vec<_>>(),
        [EntityKind::Customer, EntityKind::Payment]
    );
}

#[test]
fn change_data_capture_gives_objects_and_tombstones() {
    let body = r#"{"CDCResponse":[{"QueryResponse":[{"Invoice":[{"Id":"5","SyncToken":"3"},
        {"domain":"QBO","status":"Deleted","Id":"33","MetaData":{"LastUpdatedTime":"2026-03-01T09:00:00-08:00"}}],
        "startPosition":1,"maxResults":2},{}]}],"time":"x"}"#;
    let mut answer: CdcResponse = serde_json::from_str(body).unwrap();
    let changed: Vec<Entity> =
        answer.parts.remove(0).query_response.into_iter().flat_map(QueryResponse::into_entities).collect();
    assert_eq!(changed.iter().map(Entity::is_deleted).collect::<Vec<_>>(), [false, true]);
    assert_eq!(changed[1].last_updated_time(), Some("2026-03-01T09:00:00-08:00"));
}

#[test]
fn batches() {
    let invoice = Entity::version(EntityKind::Invoice, "201", "4");
    let payment = Entity::version(EntityKind::Payment, "230", "0");
    let customer = Customer { display_name: Some("Fern".into()), ..Customer::default() };
    let batch = Batch {
        batch_item_request: vec![
            BatchItemRequest::write("1", Operation::Create, customer.into()),
            BatchItemRequest::write("2", Operation::Delete, payment),
            BatchItemRequest::void("3", invoice),
            BatchItemRequest::query("4", &Query::from("Term")),
        ],
    };
    insta::assert_json_snapshot!(batch);

    let body = format!(
        r#"{{"BatchItemResponse":[{{"Fault":{{"Error":[{{"code":"6240"}}]}},"bId":"1"}},
        {{"Payment":{{"status":"Deleted","Id":"230"}},"bId":"2"}},{{"Invoice":{INVOICE},"bId":"3"}},
        {{"QueryResponse":{{}},"bId":"4"}},{{"bId":"5"}}],"time":"x"}}"#
    );
    let answer: BatchResponse = serde_json::from_str(&body).unwrap();
    let outcomes: Vec<_> =
        answer.batch_item_response.into_iter().map(BatchItemResponse::into_outcome).collect();
    assert!(matches!(&outcomes[0], BatchOutcome::Fault(fault) if fault.has_code("6240")));
    assert!(matches!(&outcomes[1], BatchOutcome::Entity(entity) if entity.is_deleted()));
    assert!(matches!(&outcomes[2], BatchOutcome::Entity(entity) if entity.id() == Some("201")));
    assert_eq!(outcomes[3], BatchOutcome::Rows(Box::default()));
    assert_eq!(outcomes[4], BatchOutcome::Empty);
}
