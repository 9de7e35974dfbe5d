//! CEN instances and transit routers.

use std::collections::BTreeSet;

use super::{Build, Result, Unknown, text, word};
use crate::load::native::error::Fault;
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree;
use crate::topology::{
    AttachmentType, AttachmentZone, Cen, CenChild, CenRoute, CenRouteMap, Id, Kind, Meta, Text,
    TransitAssociation, TransitAttachment, TransitHopType, TransitPropagation, TransitRouteEntry,
    TransitRouteTable, TransitRouter, TransitRouterType,
};

/// What an attachment leads to, with the cloud's word for it.
const TARGETS: &[(Kind, AttachmentType)] = &[
    (Kind::Vpc, AttachmentType::Vpc),
    (Kind::BorderRouter, AttachmentType::Vbr),
    (Kind::VpnConnection, AttachmentType::Vpn),
    (Kind::TransitRouter, AttachmentType::Peer),
];

const NETWORKS: &[Kind] = &[Kind::Vpc, Kind::BorderRouter];

impl Build<'_> {
    pub(super) fn transit(&mut self) -> Result<()> {
        let flat = self.flat;
        for cen in &flat.cens {
            self.cen(cen)?;
        }
        for route in &flat.cen_routes {
            self.cen_route(route)?;
        }
        for map in &flat.cen_route_maps {
            let (at, dto) = (map.at, &map.dto);
            let mut out = CenRouteMap::new("");
            out.meta = self.meta(at);
            out.cen = map.parent.map(|n| self.id(n));
            out.in_region = text(&dto.region);
            out.direction = text(&dto.direction);
            out.result = text(&dto.result);
            out.priority = dto.priority;
            out.destinations = self.cidrs(at, "destinations", &dto.destinations);
            self.add(out);
        }
        for router in &flat.transit_routers {
            let (at, dto) = (router.at, &router.dto);
            let mut out = TransitRouter::new("");
            out.meta = self.meta(at);
            out.cen = self.cen_of(router)?;
            let kind = word!(self, at, "type", dto.r#type, TransitRouterType, [Enterprise, Basic]);
            out.router_type = self.or(at, "type", kind, TransitRouterType::Enterprise);
            let cidrs = self.cidrs(at, "cidrs", &dto.cidrs);
            out.cidrs = self.or(at, "cidrs", cidrs, Vec::new());
            self.add(out);
        }
        for attachment in &flat.attachments {
            self.attachment(attachment)?;
        }
        for table in &flat.transit_tables {
            self.transit_table(table)?;
        }
        for route in &flat.transit_routes {
            self.transit_route(route)?;
        }
        Ok(())
    }

    fn cen(&mut self, cen: &Placed<tree::Cen>) -> Result<()> {
        let (at, dto) = (cen.at, &cen.dto);
        let mut out = Cen::new("");
        out.meta = self.meta(at);
        out.protection_level = text(&dto.protection_level);
        let mut children = Vec::new();
        match &dto.children {
            Some(stated) => {
                for child in stated {
                    children.push(self.child(at, child)?);
                }
            }
            None => {
                for node in self.attached_to(cen)? {
                    let child = TextOr::Table(tree::CenChild {
                        id: Some(self.id(node).to_string()),
                        ..Default::default()
                    });
                    children.push(self.child(at, &child)?);
                }
            }
        }
        let known = dto.children.is_some() || !self.open(at, "children");
        out.children = known.then_some(children);
        self.add(out);
        Ok(())
    }

    /// The networks that attachments of a CEN instance lead to.
    fn attached_to(&self, cen: &Placed<tree::Cen>) -> Result<BTreeSet<usize>> {
        let mut found = BTreeSet::new();
        for attachment in &self.flat.attachments {
            let Some(to) = &attachment.dto.to else { continue };
            let router = attachment.parent.and_then(|n| self.object(&self.flat.transit_routers, n));
            let Some(router) = router else { continue };
            if self.cen_of(router)? == Some(self.id(cen.at)) {
                found.extend(self.target(attachment.at, "to", NETWORKS, to)?);
            }
        }
        Ok(found)
    }

    /// CEN instances that list a network, or whose transit routers are attached to it.
    pub(super) fn cens_of(&self, network: usize, kind: Kind) -> Result<Vec<Id>> {
        let mut out = Vec::new();
        if self.unknown.contains(&Unknown::CenChildren) {
            return Ok(out);
        }
        for cen in &self.flat.cens {
            let mut member = false;
            for child in cen.dto.children.iter().flatten() {
                let name = match child {
                    TextOr::Text(name) => Some(name),
                    TextOr::Table(table) => table.id.as_ref(),
                };
                let Some(name) = name else { continue };
                member |= self.target(cen.at, "children", &[kind], name)? == Some(network);
            }
            if cen.dto.children.is_none() && !self.open(cen.at, "children") {
                member = self.attached_to(cen)?.contains(&network);
            }
            if member {
                out.push(self.id(cen.at));
            }
        }
        Ok(out)
    }

    fn child(&mut self, at: usize, child: &TextOr<tree::CenChild>) -> Result<CenChild> {
        let written;
        let dto = match child {
            TextOr::Table(table) => table,
            TextOr::Text(id) => {
                written = tree::CenChild { id: Some(id.clone()), ..Default::default() };
                &written
            }
        };
        let name = dto.id.as_deref().unwrap_or_default();
        let mut out = CenChild {
            id: Id::from(name),
            child_type: text(&dto.r#type),
            region: text(&dto.region),
            account: dto.account.as_ref().map(|a| Id::from(&a.0)),
            status: text(&dto.status).or_else(|| Some(Text::from("Attached"))),
        };
        if let Ref::Node(node) = self.refer(at, "children", NETWORKS, name)? {
            let meta = self.meta(node);
            let kind = if self.kind(node) == Some(Kind::Vpc) { "VPC" } else { "VBR" };
            out.id = meta.id;
            out.child_type = out.child_type.or_else(|| Some(Text::from(kind)));
            out.region = out.region.or(meta.region.map(|r| Text::from(r.as_str())));
            out.account = out.account.or(meta.account);
        }
        Ok(out)
    }

    fn cen_route(&mut self, route: &Placed<tree::CenRoute>) -> Result<()> {
        let (at, dto) = (route.at, &route.dto);
        let mut out = CenRoute::new("");
        out.meta = self.meta(at);
        out.cen = route.parent.map(|n| self.id(n));
        out.in_region = text(&dto.region);
        out.destination = self.opt_cidr(at, "destination", &dto.to);
        // the status of such a route is a field of its own
        let status = self.node(at).and_then(|n| text(&n.common.status));
        out.route_status = self.or(at, "status", status, Text::from("Active"));
        out.route_type = text(&dto.r#type);
        out.next_hop_type = text(&dto.via_type);
        out.next_hop_region = text(&dto.via_region);
        if let Some(via) = &dto.via {
            match self.refer(at, "via", NETWORKS, via)? {
                Ref::Missing(_, id) => out.next_hop = Some(Id::from(id)),
                Ref::Node(node) => {
                    let meta = self.meta(node);
                    let kind = if self.kind(node) == Some(Kind::Vpc) { "VPC" } else { "VBR" };
                    out.next_hop = Some(meta.id);
                    out.next_hop_type = out.next_hop_type.or_else(|| Some(Text::from(kind)));
                    let region = meta.region.map(|r| Text::from(r.as_str()));
                    out.next_hop_region = out.next_hop_region.or(region);
                }
            }
        }
        self.add(out);
        Ok(())
    }

    fn cen_of(&self, router: &Placed<tree::TransitRouter>) -> Result<Option<Id>> {
        let stated = self.opt_id(router.at, "cen", &[Kind::Cen], &router.dto.cen)?;
        Ok(self.or_nested(router.at, "cen", stated, router.parent))
    }

    fn attachment(&mut self, attachment: &Placed<tree::TransitAttachment>) -> Result<()> {
        let (at, dto, flat) = (attachment.at, &attachment.dto, self.flat);
        let mut out = TransitAttachment::new("");
        out.meta = self.meta(at);
        out.transit_router = attachment.parent.map(|n| self.id(n));
        let router = attachment.parent.and_then(|n| self.object(&flat.transit_routers, n));
        if let Some(router) = router {
            out.cen = self.cen_of(router)?;
        }
        let kind = word!(self, at, "type", dto.r#type, AttachmentType, [Vpc, Vbr, Vpn, Ecr, Peer]);
        let kinds: Vec<Kind> = TARGETS.iter().map(|(kind, _)| *kind).collect();
        let word = |kind| TARGETS.iter().find(|(k, _)| *k == kind).map(|(_, t)| t.clone());
        out.peer_region = text(&dto.peer_region);
        if let Some(to) = &dto.to {
            let named = match to.strip_prefix("ecr:") {
                Some(id) => {
                    out.attachment_type = Some(AttachmentType::Ecr);
                    out.target = Some(Id::from(id.trim()));
                    None
                }
                None => Some(self.refer(at, "to", &kinds, to)?),
            };
            match named {
                Some(Ref::Node(node)) => {
                    out.attachment_type = self.kind(node).and_then(word);
                    let meta = self.meta(node);
                    if self.kind(node) == Some(Kind::TransitRouter) && out.peer_region.is_none() {
                        out.peer_region = meta.region.map(|r| Text::from(r.as_str()));
                    }
                    out.target = Some(meta.id);
                }
                Some(Ref::Missing(kind, id)) => {
                    out.attachment_type = kind.and_then(word);
                    out.target = Some(Id::from(id));
                }
                None => {}
            }
        }
        out.attachment_type = kind.or(out.attachment_type);
        if let Some(zones) = &dto.zones {
            let mut all = Vec::new();
            for (n, zone) in zones.iter().enumerate() {
                let key = format!("zones/{n}");
                let site = self.zone_site(at, &key, &zone.zone, &zone.vswitch)?;
                let eni = self.opt_id(at, &key, &[Kind::Eni], &zone.eni)?;
                all.push(AttachmentZone { zone: site.zone, vswitch: site.vswitch, eni });
            }
            out.zones = Some(all);
        }
        out.auto_publish = dto.auto_publish;
        self.add(out);
        Ok(())
    }

    fn transit_table(&mut self, table: &Placed<tree::TransitRouteTable>) -> Result<()> {
        let (at, dto, flat) = (table.at, &table.dto, self.flat);
        let mut out = TransitRouteTable::new("");
        out.meta = self.meta(at);
        out.transit_router = table.parent.map(|n| self.id(n));
        let kind = dto.r#type.as_deref().map(|t| match t.to_ascii_lowercase().as_str() {
            "system" => Text::from("System"),
            "custom" => Text::from("Custom"),
            _ => Text::from(t),
        });
        out.table_type = self.or(at, "type", kind, Text::from("Custom"));
        let meta = out.meta.clone();
        self.add(out);

        let kinds = [Kind::TransitAttachment];
        let mut uses = self.ids(at, "associations", &kinds, &dto.associations)?.unwrap_or_default();
        let mut learns =
            self.ids(at, "propagations", &kinds, &dto.propagations)?.unwrap_or_default();
        let tables = [Kind::TransitRouteTable];
        for attachment in &flat.attachments {
            let (from, a) = (attachment.at, &attachment.dto);
            if let Some(name) = &a.table
                && self.target(from, "table", &tables, name)? == Some(at)
            {
                uses.push(self.id(from));
            }
            for name in a.propagates_to.iter().flat_map(|w| &w.items) {
                if self.target(from, "propagates_to", &tables, name.as_str())? == Some(at) {
                    learns.push(self.id(from));
                }
            }
        }
        let link = |word: &str, attachment: &Id| Meta {
            account: meta.account.clone(),
            region: meta.region.clone(),
            status: Some(Text::from("Active")),
            source: meta.source.clone(),
            ..Meta::new(format!("{}/{word}/{attachment}", meta.id))
        };
        for attachment in uses.into_iter().collect::<BTreeSet<_>>() {
            let mut out = TransitAssociation::new("");
            out.meta = link("association", &attachment);
            out.table = Some(meta.id.clone());
            out.attachment = Some(attachment);
            self.add(out);
        }
        for attachment in learns.into_iter().collect::<BTreeSet<_>>() {
            let mut out = TransitPropagation::new("");
            out.meta = link("propagation", &attachment);
            out.table = Some(meta.id.clone());
            out.attachment = Some(attachment);
            self.add(out);
        }
        Ok(())
    }

    fn transit_route(&mut self, route: &Placed<tree::TransitRouteEntry>) -> Result<()> {
        let (at, dto) = (route.at, &route.dto);
        let mut out = TransitRouteEntry::new("");
        out.meta = self.meta(at);
        out.table = route.parent.map(|n| self.id(n));
        out.destination = match &dto.to {
            Some(to) => Some(self.destination(at, to)?),
            None => None,
        };
        match dto.via.as_deref().map(str::trim) {
            Some(via) if via.eq_ignore_ascii_case("blackhole") => {
                out.next_hop_type = Some(TransitHopType::BlackHole);
            }
            Some(via) => {
                out.next_hop_type = Some(TransitHopType::Attachment);
                // a VPC stands for the attachment of this router to it
                out.next_hop =
                    Some(match self.refer(at, "via", &[Kind::TransitAttachment], via)? {
                        Ref::Node(node) => self.id(node),
                        Ref::Missing(_, id) => match self.attachment_of(route, via)? {
                            Some(found) => found,
                            None => Id::from(id),
                        },
                    });
            }
            None => {}
        }
        out.origin = self.or(at, "origin", text(&dto.origin), Text::from("Static"));
        out.preference = dto.preference;
        self.add(out);
        Ok(())
    }

    /// The attachment of a route's own router to a network that the route names.
    fn attachment_of(
        &self,
        route: &Placed<tree::TransitRouteEntry>,
        via: &str,
    ) -> Result<Option<Id>> {
        let kinds: Vec<Kind> = TARGETS.iter().map(|(kind, _)| *kind).collect();
        let Some(network) = self.target(route.at, "via", &kinds, via)? else { return Ok(None) };
        let table = route.parent.and_then(|n| self.object(&self.flat.transit_tables, n));
        let router = table.and_then(|t| t.parent);
        for attachment in &self.flat.attachments {
            let Some(to) = &attachment.dto.to else { continue };
            if attachment.parent == router
                && self.target(attachment.at, "to", &kinds, to)? == Some(network)
            {
                return Ok(Some(self.id(attachment.at)));
            }
        }
        Err(Fault::new(
            self.pointer(route.at, "via"),
            format!("the transit router has no attachment to `{via}`"),
        )
        .help("add the attachment, or name one by its id"))
    }
}
