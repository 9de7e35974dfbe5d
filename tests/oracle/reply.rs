//! The way back. A flow is made of legs, from one device that translates to the next; the reply runs
//! them in the opposite order. Security groups remember the connection, network ACLs do not
//! (access.md §2.1), so the reply is tried with every client port that some ACL tells apart.

use std::net::IpAddr;

use vpclint::topology::Id;

use super::facts::Own;
use super::flow::{Flow, Gate, Packet, Reply, Site, Trip};
use super::travel::{Step, Stop};

/// One stretch of the way there.
#[derive(Clone)]
pub struct Leg<'a> {
    /// The packet as it reached the far end.
    pub packet: Packet,
    pub start: Site<'a>,
    pub far: Site<'a>,
    pub back: Back,
}

/// What brings the reply from the far end of a leg to its start.
#[derive(Clone)]
pub enum Back {
    /// The route tables, from the far end.
    Routed,
    /// The session: a gateway or load balancer sends it the way it came.
    Direct,
    /// The session, to any of these addresses of a load balancer.
    Balancer(Vec<(IpAddr, Option<Gate>)>),
    /// The far end's own public address: its exit must be that one.
    OwnExit(String),
}

/// What becomes of one reply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Pass,
    Mixed,
    Unknown(String),
    Fail(String),
}

/// Alternatives: any of them may be taken.
fn alternatives(ways: &[Way]) -> Way {
    if let Some(unknown) = ways.iter().find(|w| matches!(w, Way::Unknown(_))) {
        return unknown.clone();
    }
    let passing = ways.iter().filter(|w| **w == Way::Pass).count();
    match ways.first() {
        _ if passing == ways.len() => Way::Pass,
        Some(Way::Fail(reason)) if ways.iter().all(|w| matches!(w, Way::Fail(_))) => {
            Way::Fail(reason.clone())
        }
        _ => Way::Mixed,
    }
}

/// Stretches one after the other: all of them are needed.
fn sequence(ways: &[Way]) -> Way {
    let fail = ways.iter().find(|w| matches!(w, Way::Fail(_)));
    let unknown = ways.iter().find(|w| matches!(w, Way::Unknown(_)));
    let mixed = ways.iter().find(|w| **w == Way::Mixed);
    fail.or(unknown).or(mixed).cloned().unwrap_or(Way::Pass)
}

impl<'a> Flow<'a> {
    pub fn reply(&self, legs: &[Leg<'a>]) -> (Reply, Option<String>) {
        let ported = legs.iter().any(|leg| leg.packet.protocol.has_ports());
        let starts: Vec<u16> =
            if ported { self.client_ports().into_iter().collect() } else { vec![1024] };
        let mut ranges: Vec<(u16, u16, Way)> = Vec::new();
        for (n, first) in starts.iter().enumerate() {
            let last = starts.get(n + 1).map_or(u16::MAX, |next| next - 1);
            let back: Vec<Way> = legs.iter().rev().map(|leg| self.back(leg, *first)).collect();
            ranges.push((*first, last, sequence(&back)));
        }
        let unknown = ranges.iter().find_map(|(_, _, way)| match way {
            Way::Unknown(what) => Some(what.clone()),
            _ => None,
        });
        if let Some(what) = unknown {
            return (Reply::Unknown, Some(what));
        }
        if ranges.iter().any(|(_, _, way)| *way == Way::Mixed) {
            return (Reply::SomePaths, None);
        }
        let mut passing: Vec<(u16, u16)> = Vec::new();
        for (first, last, way) in &ranges {
            match passing.last_mut() {
                _ if *way != Way::Pass => {}
                Some(before) if before.1.checked_add(1) == Some(*first) => before.1 = *last,
                _ => passing.push((*first, *last)),
            }
        }
        let reply = match (passing.as_slice(), &ranges[0].2) {
            ([(1024, u16::MAX)], _) => Reply::All,
            ([], Way::Fail(reason)) => Reply::None(reason.clone()),
            _ => Reply::Some(passing),
        };
        (reply, None)
    }

    /// One leg, backwards.
    fn back(&self, leg: &Leg<'a>, port: u16) -> Way {
        let mut packet = leg.packet.reply(port);
        if !packet.protocol.has_ports() {
            (packet.sport, packet.dport) = (leg.packet.sport, leg.packet.dport);
        }
        let mut trip = Trip::new(packet, leg.far.clone());
        trip.is_reply = true;
        trip.departure.clone_from(&leg.far.gate);
        if leg.far.nat.is_some() && !self.knobs.nacl_on_nat_vswitch {
            // what a gateway sends on comes from outside the vSwitch (access.md §2.2)
            trip.departure = None;
        }
        match &leg.back {
            Back::Direct => self.through(trip, leg.start.gate.as_ref()),
            Back::Balancer(addresses) => {
                let ways: Vec<Way> = addresses
                    .iter()
                    .map(|(ip, gate)| {
                        let mut trip = trip.clone();
                        trip.packet.dst = *ip;
                        self.through(trip, gate.as_ref())
                    })
                    .collect();
                alternatives(&ways)
            }
            Back::Routed | Back::OwnExit(_) => {
                let steps = match (leg.far.eni, &leg.far.vpc, &leg.far.vswitch) {
                    (Some(eni), _, _) => self.send(eni, trip),
                    (None, Some(vpc), Some(vswitch)) => self.walk(trip, vpc, vswitch, &Own::None),
                    _ => return Way::Unknown("where the reply comes from".to_owned()),
                };
                let ways: Vec<Way> = steps.into_iter().map(|s| self.returns(s, leg)).collect();
                alternatives(&ways)
            }
        }
    }

    fn through(&self, mut trip: Trip<'a>, to: Option<&Gate>) -> Way {
        match (self.cross(&mut trip, to), trip.doubts.first()) {
            (Err(reason), _) => Way::Fail(reason.to_owned()),
            (Ok(()), Some(what)) => Way::Unknown(what.clone()),
            (Ok(()), None) => Way::Pass,
        }
    }

    /// Where the routes took the reply, against where it should go.
    fn returns(&self, step: Step<'a>, leg: &Leg<'a>) -> Way {
        let mismatch = || Way::Fail("reply_path_mismatch".to_owned());
        let outside = leg.start.vpc.is_none();
        let at_nat = leg.start.nat.as_ref().map(|nat| Id::from(&format!("at {nat}")));
        match step.stop {
            Stop::Unknown(what) => Way::Unknown(what),
            Stop::Dropped(reason)
                if reason.starts_with("nacl_") || reason == "reply_path_mismatch" =>
            {
                Way::Fail(reason)
            }
            Stop::Dropped(_) => Way::Fail("reply_no_route".to_owned()),
            // no way back but a gateway that would translate the reply (egress.md §9, vector 35)
            Stop::Local(at) if at.starts_with("at ") && Some(&at) != at_nat.as_ref() => {
                match (self.through(step.trip, None), &leg.back) {
                    (Way::Fail(reason), _) => Way::Fail(reason),
                    (_, Back::OwnExit(_)) => mismatch(),
                    _ => Way::Fail("reply_no_route".to_owned()),
                }
            }
            Stop::Exit => match &leg.back {
                Back::OwnExit(ip)
                    if step.trip.public.contains(ip) && step.trip.through.is_none() =>
                {
                    self.through(step.trip, None)
                }
                _ => mismatch(),
            },
            Stop::Local(vpc)
                if leg.start.vpc.as_ref() == Some(&vpc) || Some(&vpc) == at_nat.as_ref() =>
            {
                self.through(step.trip, leg.start.gate.as_ref())
            }
            Stop::Leaves if outside && matches!(leg.back, Back::Routed) => {
                self.through(step.trip, None)
            }
            Stop::Local(_) | Stop::Cloud | Stop::Leaves => match self.through(step.trip, None) {
                Way::Fail(reason) => Way::Fail(reason),
                _ => mismatch(),
            },
        }
    }
}
