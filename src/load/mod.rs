//! From bytes to a topology.

pub mod aliyun;
