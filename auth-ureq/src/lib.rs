//! A blocking auth-core transport over ureq
