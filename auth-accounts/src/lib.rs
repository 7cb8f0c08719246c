//! One OAuth 2.0 account over time, and many: cached token, single flight, durable rotation
