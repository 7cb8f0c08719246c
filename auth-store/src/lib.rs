//! Durable token stores for auth-accounts
