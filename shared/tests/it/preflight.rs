//! What a preflight finds in a QuickBooks company, read through the real client.

use quickbooks_simulator::company::Seed;
use sync::ids::CompanyId;
use sync::ports::Clock;
use sync::preflight::{self, FindingKind, Ports, PreflightError, Report, Severity};
use sync::settings::{ConnectionState, Settings};

use crate::desk::{Desk, Now};

impl Desk {
    async fn preflight(&self) -> Result<Report, PreflightError> {
        let ports = Ports { companies: &self.companies, connector: &self.connector, clock: &Now };
        preflight::run(ports, &self.books.company).await
    }
}

fn severity(report: &Report, kind: FindingKind) -> Option<Severity> {
    report.findings.iter().find(|finding| finding.kind == kind).map(|finding| finding.severity)
}

#[tokio::test]
async fn a_preflight_reads_quickbooks_in_three_calls_and_keeps_what_it_read() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let before = Now.now();
    let report = desk.preflight().await.unwrap();
    assert_eq!(desk.simulator.call_list(None).len(), 3, "{:?}", desk.simulator.call_list(None));
    assert!(report.read_at >= before, "not what was cached before");
    assert_eq!(severity(&report, FindingKind::IncomeAccount), Some(Severity::Fact));
    assert_eq!(severity(&report, FindingKind::Subscription), Some(Severity::Fact), "PAID");
    assert_eq!(severity(&report, FindingKind::SalesTax), Some(Severity::Fact), "R60");

    desk.save(Settings { default_income_account: None, ..desk.settings().await }).await;
    let cached = preflight::cached(&desk.companies, &desk.books.company).await.unwrap().unwrap();
    assert_eq!(
        severity(&cached, FindingKind::IncomeAccount),
        Some(Severity::Blocker),
        "by the settings of now"
    );
    assert_eq!(desk.simulator.call_list(None).len(), 3, "what is cached costs no call");
}

#[tokio::test]
async fn an_empty_company_has_to_be_set_up_first() {
    let desk = Desk::open(Seed::Empty).await;
    let report = desk.preflight().await.unwrap();
    assert_eq!(severity(&report, FindingKind::SalesTax), Some(Severity::Warning));
    assert!(report.findings[0].severity >= Severity::Warning, "the gravest comes first");
}

#[tokio::test]
async fn whoever_is_not_connected_has_no_preflight() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.set_connection(ConnectionState::Expired).await;
    assert!(matches!(desk.preflight().await, Err(PreflightError::NotConnected)));
    assert_eq!(desk.simulator.call_list(None).len(), 0, "what has ended is not asked");
    let unknown = CompanyId::new("nobody").unwrap();
    let result = preflight::cached(&desk.companies, &unknown).await;
    assert!(matches!(result, Err(PreflightError::UnknownCompany)));
}
