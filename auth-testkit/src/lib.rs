//! Scripted transports, a virtual clock, a fake authorization server and conformance suites for auth-core
