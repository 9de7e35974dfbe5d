//! Elastic IP addresses by themselves.

mod unattached;

pub(super) use unattached::EipUnattached;
