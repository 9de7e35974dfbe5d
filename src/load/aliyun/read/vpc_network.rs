//! VPCs, vSwitches, route tables and routes (formats-api.md §4.1).

use serde::Deserialize;

use super::Api;
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{Listing, Vpc};

pub(super) static APIS: &[Api] =
    &[Api { product: "vpc", name: "DescribeVpcs", listing: Listing::Vpcs, read: vpcs }];

#[derive(Deserialize)]
struct VpcsBody<'a> {
    #[serde(rename = "Vpcs", default, borrow)]
    vpcs: List<VpcRow<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VpcRow<'a> {
    #[serde(borrow)]
    vpc_id: Scalar<'a>,
    #[serde(borrow)]
    vpc_name: Scalar<'a>,
    #[serde(borrow)]
    cidr_block: Scalar<'a>,
    #[serde(borrow)]
    secondary_cidr_blocks: List<Scalar<'a>>,
    #[serde(borrow)]
    status: Scalar<'a>,
    #[serde(borrow)]
    region_id: Scalar<'a>,
    #[serde(borrow)]
    owner_id: Scalar<'a>,
    #[serde(borrow)]
    tags: List<Tag<'a>>,
}

fn vpcs(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: VpcsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Vpcs", &body.vpcs);
    cx.count(&body.vpcs);
    for (n, row) in body.vpcs.iter().enumerate() {
        let Some(id) = row.vpc_id.id() else { continue };
        let mut vpc = Vpc::new(id);
        let common = Common {
            name: row.vpc_name.clone(),
            status: row.status.clone(),
            owner: row.owner_id.clone(),
            region: row.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut vpc.meta, sources.at(n), &common);
        vpc.meta.tags = tags(&row.tags);
        vpc.cidr = row.cidr_block.as_str().map(|text| cx.cidr(&vpc, "cidr", text));
        vpc.secondary_cidrs = row
            .secondary_cidr_blocks
            .stated_some(|c| Some(cx.cidr(&vpc, "secondary_cidrs", c.as_str()?)));
        cx.add(vpc);
    }
    Ok(())
}
