//! Recognition over a folder of real and composed responses. The folder is not part of the
//! repository: set `VPCLINT_API_SAMPLES`, or keep it beside the repository; without it the tests say
//! that they skip.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, say that they skip, and find their data by a variable"
)]

use std::path::{Path, PathBuf};

use vpclint::load::{Input, LoadOptions, Outcome, load};
use vpclint::topology::FileId;

fn samples() -> Option<PathBuf> {
    let folder = std::env::var("VPCLINT_API_SAMPLES").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/api-samples"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no samples at {}", folder.display());
    None
}

/// Product, API and path of every body.
fn bodies(folder: &Path) -> Vec<(String, String, PathBuf)> {
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    index
        .lines()
        .skip(1)
        .filter_map(|line| {
            let file = line.split('\t').next()?;
            let (product, name) = file.split_once('/')?;
            let api = name.split('.').next()?;
            (product != "_forms").then(|| (product.to_owned(), api.to_owned(), folder.join(file)))
        })
        .collect()
}

#[test]
fn bodies_are_recognised_by_content_alone() {
    let Some(folder) = samples() else { return };
    let bodies = bodies(&folder);
    let copies = tempfile::tempdir().unwrap();
    for (n, (_, _, path)) in bodies.iter().enumerate() {
        std::fs::copy(path, copies.path().join(format!("body-{n:04}.json"))).unwrap();
    }
    let loaded =
        load(&[Input::Path(copies.path().to_path_buf())], &LoadOptions::default()).unwrap();
    let mut right = 0;
    let mut wrong = Vec::new();
    for (n, (product, api, path)) in bodies.iter().enumerate() {
        let file = FileId(u32::try_from(n).unwrap());
        let document = loaded.report.documents.iter().find(|d| d.file == file).unwrap();
        let found = match &document.outcome {
            Outcome::Read(body) => (body.product, body.api),
            Outcome::NotUsed { product, api } => (*product, *api),
            other => {
                wrong.push(format!("{}: {other:?}", path.display()));
                continue;
            }
        };
        let twins = ["ecs", "vpc", "privatelink"];
        let same = found.1 == api
            && (found.0 == product
                || (twins.contains(&found.0) && twins.contains(&product.as_str())));
        if same {
            right += 1;
        } else {
            wrong.push(format!("{}: {} {}", path.display(), found.0, found.1));
        }
    }
    eprintln!("{right} of {} recognised; not: {wrong:#?}", bodies.len());
    // two bodies of 2019/20 with a key of their own, and one that is filed under another call
    assert!(right + 3 >= bodies.len(), "{wrong:#?}");
}

#[test]
fn the_whole_folder_loads_at_once() {
    let Some(folder) = samples() else { return };
    // the broken forms fail a run that names them, all of them together
    let error = load(&[Input::Path(folder.clone())], &LoadOptions::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("truncated.seed2016.json"), "{text}");
    let inputs: Vec<Input> =
        ["alb", "cbn", "ecs", "nlb", "privatelink", "slb", "sts", "vpc", "vpcpeer"]
            .iter()
            .map(|product| Input::Path(folder.join(product)))
            .collect();
    let loaded = load(&inputs, &LoadOptions::default()).unwrap();
    let bodies = loaded.report.bodies().count();
    eprintln!("{bodies} bodies read");
    for note in &loaded.report.notes {
        eprintln!(
            "{:?} {}: {}",
            note.level,
            note.file.map_or("", |f| loaded.files.display(f)),
            note.text
        );
    }
    for document in &loaded.report.documents {
        match &document.outcome {
            Outcome::Read(body) if body.unattached.is_empty() => {}
            Outcome::NotUsed { .. } => {}
            other => eprintln!("{}: {other:?}", loaded.files.display(document.file)),
        }
    }
    for (listing, scope, state) in loaded.topology.coverage.iter() {
        eprintln!("{} {scope:?} {state:?}", listing.api());
    }
}
