use std::collections::BTreeSet;

use super::calls::{Api, CALLS};
use super::*;

fn region(name: &str) -> ScriptOptions {
    ScriptOptions { region: name.into(), vpc: None }
}

#[test]
fn every_listing_of_the_model_is_exported_or_known_not_to_be() {
    for listing in Listing::ALL {
        let call = CALLS.iter().find(|call| call.api == Api::Known(*listing));
        if !is_exported(*listing) {
            assert_eq!(call, None, "{} is exported after all", listing.api());
            continue;
        }
        let call = call.unwrap_or_else(|| panic!("no call makes {}", listing.api()));
        assert_eq!(call.each.is_some(), listing.parent().is_some(), "{}", listing.api());
    }
}

#[test]
fn calls_that_are_no_listing_are_the_known_extras() {
    let extras: BTreeSet<_> = CALLS
        .iter()
        .filter(|call| matches!(call.api, Api::Extra { .. }))
        .map(|call| call.api.name())
        .collect();
    assert_eq!(extras, BTreeSet::from(["DescribeFlowLogs"]));
    for listing in Listing::ALL {
        assert!(!extras.contains(listing.api()), "{} is a listing", listing.api());
    }
}

#[test]
fn a_loop_runs_over_a_listing_that_was_made_before() {
    for (index, call) in CALLS.iter().enumerate() {
        if let Some(each) = call.each {
            let before = CALLS.iter().take(index).any(|c| c.api == Api::Known(each.over));
            assert!(before, "{} comes before {}", call.api.name(), each.over.api());
            // The script's loop takes the words after it for product and call.
            assert!(!call.secrets && !call.optional, "{} has a modifier", call.api.name());
        }
    }
}

#[test]
fn calls_only_read() {
    for call in CALLS {
        let name = call.api.name();
        assert!(
            ["Describe", "List", "Get"].iter().any(|verb| name.starts_with(verb)),
            "{name} may change something"
        );
    }
}

#[test]
fn every_call_is_in_script_and_policy() {
    let script = script(&region("cn-hangzhou"));
    let policy: serde_json::Value = serde_json::from_str(&ram_policy()).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    for call in CALLS {
        let (product, name) = (call.api.product(), call.api.name());
        let made = script.lines().any(|line| line.contains(&format!("{product} {name}")));
        assert!(made, "{product} {name} is not in the script");
        assert!(actions.iter().any(|a| *a == *ram_action(call)), "{name} is not in the policy");
    }
    assert!(actions.iter().any(|action| action == "cen:ListTransitRouters"));
    assert!(actions.iter().any(|action| action == "vpc:ListVpcPeerConnections"));
}

#[test]
fn a_vpc_restricts_the_listings_that_can_be_restricted() {
    let options = ScriptOptions { region: "cn-hangzhou".into(), vpc: Some("vpc-1".into()) };
    let text = script(&options);
    assert!(text.contains("\nVPC='vpc-1'\n"));
    assert!(text.contains(
        "vpc DescribeVSwitches PageNumber 50 .VSwitches.VSwitch .TotalCount VpcId \"$VPC\"\n"
    ));
    assert!(text.contains(
        "vpc DescribeEipAddresses PageNumber 100 .EipAddresses.EipAddress .TotalCount\n"
    ));
    assert!(!script(&region("cn-hangzhou")).contains("VpcId \"$VPC\""));
}

#[test]
fn what_the_user_gives_stays_one_word() {
    let text = script(&region("x'; rm -rf /; '"));
    assert!(text.contains(r"REGION='x'\''; rm -rf /; '\'''"));
}
