//! The app's fixed lists, as far as anybody here needs them (Invoice Ninja API: statics).

use serde_json::{Value, json};

/// Id, code, name.
pub(crate) const CURRENCIES: [(&str, &str, &str); 8] = [
    ("1", "USD", "US Dollar"),
    ("2", "GBP", "British Pound"),
    ("3", "EUR", "Euro"),
    ("7", "SEK", "Swedish Krona"),
    ("9", "CAD", "Canadian Dollar"),
    ("12", "AUD", "Australian Dollar"),
    ("15", "NZD", "New Zealand Dollar"),
    ("17", "CHF", "Swiss Franc"),
];

/// Id (the ISO number), code of two letters, code of three letters, name.
pub(crate) const COUNTRIES: [(&str, &str, &str, &str); 10] = [
    ("36", "AU", "AUS", "Australia"),
    ("40", "AT", "AUT", "Austria"),
    ("124", "CA", "CAN", "Canada"),
    ("250", "FR", "FRA", "France"),
    ("276", "DE", "DEU", "Germany"),
    ("372", "IE", "IRL", "Ireland"),
    ("554", "NZ", "NZL", "New Zealand"),
    ("756", "CH", "CHE", "Switzerland"),
    ("826", "GB", "GBR", "United Kingdom"),
    ("840", "US", "USA", "United States"),
];

const PAYMENT_TYPES: [(&str, &str); 14] = [
    ("1", "Bank Transfer"),
    ("2", "Cash"),
    ("4", "ACH"),
    ("5", "Visa Card"),
    ("6", "MasterCard"),
    ("7", "American Express"),
    ("8", "Discover Card"),
    ("12", "Credit Card Other"),
    ("13", "PayPal"),
    ("15", "Check"),
    ("24", "Venmo"),
    ("29", "SEPA"),
    ("32", "Credit"),
    ("33", "Zelle"),
];

/// `GET statics`: not in an envelope.
pub(crate) fn statics() -> Value {
    let currency = |(id, code, name)| json!({"id": id, "name": name, "code": code, "precision": 2});
    let country =
        |(id, two, three, name)| json!({"id": id, "name": name, "iso_3166_2": two, "iso_3166_3": three});
    json!({
        "currencies": CURRENCIES.map(currency),
        "countries": COUNTRIES.map(country),
        "payment_types": PAYMENT_TYPES.map(|(id, name)| json!({"id": id, "name": name})),
    })
}
