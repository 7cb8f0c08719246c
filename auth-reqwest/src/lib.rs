//! An auth-core transport over reqwest
