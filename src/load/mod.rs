//! From bytes to a topology.

pub mod aliyun;
pub mod native;
