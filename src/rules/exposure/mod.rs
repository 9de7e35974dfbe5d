//! What the Internet can reach.

mod dnat_ports;

pub(super) use dnat_ports::DnatExposesRiskyPort;
