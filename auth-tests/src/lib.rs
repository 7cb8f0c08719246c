//! Tests and benchmarks that judge the workspace from outside
