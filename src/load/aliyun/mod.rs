//! The cloud's own JSON: responses of the `aliyun` CLI and of SDKs (formats-api.md).

mod read;
mod reader;
mod shape;
