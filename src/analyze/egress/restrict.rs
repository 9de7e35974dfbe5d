//! The answer for some destinations only.

use std::sync::Arc;

use super::{EgressClass, EgressReport, SourceEgress, sum};
use crate::addr::AddrSet;

impl EgressReport {
    /// The part of the answer that is about `destinations`: classes cut down to them, verdicts
    /// summed up again, sources of another address family left out.
    #[must_use]
    pub fn restricted_to(&self, destinations: &AddrSet) -> Self {
        let sources =
            self.sources.iter().filter_map(|source| source.restricted_to(destinations)).collect();
        Self { sources }
    }
}

impl SourceEgress {
    fn restricted_to(&self, destinations: &AddrSet) -> Option<Self> {
        let classes: Arc<[EgressClass]> =
            self.classes.iter().filter_map(|class| class.restricted_to(destinations)).collect();
        if classes.is_empty() {
            return None;
        }
        let (verdict, public_ips, uniform) = sum(&classes);
        Some(Self { classes, verdict, public_ips, uniform, ..self.clone() })
    }
}

impl EgressClass {
    fn restricted_to(&self, destinations: &AddrSet) -> Option<Self> {
        if self.destinations.family() != destinations.family() {
            return None;
        }
        let common = self.destinations.intersect(destinations);
        let first = common.family().address(common.ranges().first()?.first);
        // every destination of a class meets the same fate, so any of them shows it
        let witness = if common.contains(self.witness) { self.witness } else { first };
        Some(Self { destinations: common, witness, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{https_only_report, report};
    use super::*;
    use crate::addr::{Cidr, Family};
    use crate::analyze::egress::SourceVerdict;

    #[test]
    fn classes_are_cut_and_summed_up_again() {
        let to: Cidr = "8.8.8.0/24".parse().unwrap();
        let whole = report();
        let part = whole.restricted_to(&AddrSet::from_cidrs(Family::V4, [&to]));
        assert_eq!(part.sources.len(), whole.sources.len());
        for (source, whole) in part.sources.iter().zip(&whole.sources) {
            let size: u128 = source.classes.iter().map(|c| c.destinations.len()).sum();
            assert_eq!(size, 256);
            assert!(source.classes.iter().all(|c| to.contains(c.witness)));
            assert!(source.classes.iter().all(|c| c.services.is_all()));
            assert_eq!(source.verdict, SourceVerdict::Exits);
            assert_eq!(source.public_ips, whole.public_ips);
        }
        let v6: Cidr = "2400:3200::/32".parse().unwrap();
        assert!(whole.restricted_to(&AddrSet::from_cidrs(Family::V6, [&v6])).sources.is_empty());
    }
    #[test]
    fn services_stay_as_they_are() {
        let to: Cidr = "8.8.8.0/24".parse().unwrap();
        let part = https_only_report().restricted_to(&AddrSet::from_cidrs(Family::V4, [&to]));
        for source in &part.sources {
            let services: Vec<String> =
                source.classes.iter().map(|class| class.services.to_string()).collect();
            assert_eq!(services.len(), 2);
            assert!(services.contains(&"tcp/443".to_owned()), "{services:?}");
            assert_eq!(source.verdict, SourceVerdict::Exits);
        }
    }
}
