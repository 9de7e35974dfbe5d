//! Reads every collected body of the vpc and vpcpeer products, where a collection is at hand.

use std::path::Path;

use super::APIS;
use super::vpc_common::testing::try_read;

/// The body itself, out of the `<Api>Response` that some bodies are wrapped in.
fn unwrapped(api: &str, text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let inner = value.get(format!("{api}Response")).cloned();
    inner.unwrap_or(value).to_string()
}

#[test]
fn every_collected_body_reads() {
    let found = ["../shared/api-samples", "../../shared/api-samples"]
        .map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .into_iter()
        .find(|path| path.is_dir());
    let Some(root) = found else {
        println!("SKIPPED: no collection of bodies at ../shared/api-samples");
        return;
    };
    let mut failures = Vec::new();
    let mut read = 0;
    let mut without_reader = Vec::new();
    for product in ["vpc", "vpcpeer", "ecs"] {
        let mut files: Vec<_> = std::fs::read_dir(root.join(product))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        for path in files {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let api = file.split('.').next().unwrap();
            if !APIS.iter().flat_map(|a| a.iter()).any(|a| a.product == product && a.name == api) {
                without_reader.push(file);
                continue;
            }
            let body = unwrapped(api, &std::fs::read_to_string(&path).unwrap());
            match try_read(product, api, &[], &body) {
                Ok(out) => {
                    read += 1;
                    if out.rows == 0 {
                        println!("no rows: {product}/{file}");
                    }
                    for text in out.unattached {
                        println!("unattached: {product}/{file}: {text}");
                    }
                }
                Err(error) => failures.push(format!("{product}/{file}: {error}")),
            }
        }
    }
    println!("read {read} bodies; without a reader: {without_reader:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(read > 80, "{read}");
}
