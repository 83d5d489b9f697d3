//! The companies to begin with.

use super::*;

const SEEDS: [Seed; 4] = [Seed::Landscaping, Seed::AutomatedSalesTax, Seed::Global, Seed::Empty];

#[test]
fn every_seed_has_what_intuit_creates() {
    for seed in SEEDS {
        let mut session = Session::new(seed);
        for (entity, name) in
            [("Term", "Net 30"), ("PaymentMethod", "Check"), ("Account", "Undeposited Funds")]
        {
            session.find(entity, "Name", name);
        }
        assert_eq!(session.company.entities("TaxCode").is_empty(), seed == Seed::Empty);
        assert!(session.company.take_changes().is_empty());
        assert!(!session.company.name().is_empty());
        assert_eq!(session.company.country(), if seed == Seed::Global { "GB" } else { "US" });
    }
}

#[test]
fn a_business_has_an_active_service() {
    for seed in [Seed::Landscaping, Seed::AutomatedSalesTax, Seed::Global] {
        let mut session = Session::new(seed);
        assert!(!session.ids("select * from Item where Type = 'Service'").is_empty());
    }
}

#[test]
fn the_landscaping_business_is_of_the_promised_size() {
    for seed in [Seed::Landscaping, Seed::AutomatedSalesTax] {
        let session = Session::new(seed);
        let count = |entity: &str| session.company.entities(entity).len();
        assert_eq!((count("Customer"), count("Item"), count("Account")), (25, 17, 26));
        assert_eq!((count("Vendor"), count("Employee"), count("Invoice"), count("Payment")), (1, 1, 5, 3));
        let types: std::collections::BTreeSet<_> =
            session.company.entities("Item").iter().map(|item| item["Type"].as_str().unwrap()).collect();
        assert_eq!(
            types.into_iter().collect::<Vec<_>>(),
            ["Category", "Group", "Inventory", "NonInventory", "Service"]
        );
    }
}

#[test]
fn seeds_are_reproducible_and_survive_being_saved() {
    for seed in SEEDS {
        let saved = serde_json::to_string(&Session::new(seed).company).unwrap();
        assert_eq!(saved, serde_json::to_string(&Session::new(seed).company).unwrap());
        let restored: Company = serde_json::from_str(&saved).unwrap();
        assert_eq!(serde_json::to_string(&restored).unwrap(), saved);
    }
}
