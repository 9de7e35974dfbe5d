//! What `samples/three-tier/README.md` states is what the program finds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use vpclint::analyze::egress::analyze;
use vpclint::export::is_exported;
use vpclint::fabric::{Assume, Fabric};
use vpclint::load::{Input, LoadOptions, Loaded, Note, NoteLevel, Outcome, load};
use vpclint::topology::{Listing, ListingState};

fn sample() -> Loaded {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/three-tier");
    load(&[Input::Path(folder)], &LoadOptions::default()).unwrap()
}

#[test]
fn the_export_is_complete_and_understood() {
    let loaded = sample();
    let warnings: Vec<_> =
        loaded.report.notes.iter().filter(|note| note.level == NoteLevel::Warning).collect();
    assert_eq!(warnings, Vec::<&Note>::new());
    for document in &loaded.report.documents {
        let used = matches!(
            document.outcome,
            Outcome::Read(_)
                | Outcome::NotUsed { api: "DescribeFlowLogs", .. }
                | Outcome::Manifest { failed: 0, .. }
        );
        assert!(used, "{document:?}");
    }
    let coverage = &loaded.topology.coverage;
    for (listing, scope, state) in coverage.iter() {
        assert_eq!(*state, ListingState::Complete, "{} {scope:?}", listing.api());
    }
    let whole_region = Listing::ALL.iter().filter(|l| is_exported(**l) && l.parent().is_none());
    for listing in whole_region {
        assert!(coverage.is_loaded(*listing), "{} {}", listing.product(), listing.api());
    }
    assert_eq!(loaded.topology.conflicts.len(), 0);
    assert_eq!(loaded.topology.observations, []);
}

/// Rows of the README: instance, private IP, public IPs (or the reason why not), element in `via`.
const EGRESS: &[(&str, &str, &[&str], &str)] = &[
    ("i-web-1", "10.20.10.11", &["203.0.113.11", "203.0.113.12"], "snat-web-h"),
    ("i-web-2", "10.20.11.11", &["203.0.113.11", "203.0.113.12"], "snat-web-i"),
    ("i-app-1", "10.20.20.11", &["203.0.113.12"], "snat-app-h"),
    ("i-app-2", "10.20.21.11", &["203.0.113.12"], "snat-app-i"),
    ("i-pay-1", "10.20.20.31", &["203.0.113.20"], "eip-pay"),
    ("i-bastion", "10.20.0.10", &[], "nat_no_snat_entry"),
    ("i-db-1", "10.20.30.11", &[], "nacl_egress_denied"),
    ("i-db-2", "10.20.31.11", &[], "nacl_egress_denied"),
];

#[test]
fn every_instance_leaves_as_the_readme_says() {
    let loaded = sample();
    let fabric = Fabric::compile(&loaded.topology, &Assume::default());
    let report = analyze(&fabric);
    let mut found = BTreeSet::new();
    for source in &report.sources {
        let instance = source.instance.as_ref().unwrap().id.to_string();
        let address = source.address.to_string();
        let ips: Vec<_> = source.public_ips.iter().map(ToString::to_string).collect();
        let (_, _, expected, element) = EGRESS
            .iter()
            .find(|row| (row.0, row.1) == (instance.as_str(), address.as_str()))
            .unwrap_or_else(|| panic!("{instance} {address} is not in the README"));
        assert_eq!(ips, *expected, "{instance}");
        assert!(source.uniform || expected.is_empty(), "{instance}");
        assert_eq!((source.missing(), source.assumptions()), (vec![], vec![]), "{instance}");
        for class in source.public_classes() {
            let reason = class.reason.map(|reason| reason.to_string());
            let named = class.via.iter().map(|via| via.id.to_string()).chain(reason);
            assert!(named.into_iter().any(|name| name == *element), "{instance}: {class:?}");
        }
        found.insert(instance);
    }
    assert_eq!(found.len(), EGRESS.len());
    assert_eq!(report.sources.len(), EGRESS.len());
}
