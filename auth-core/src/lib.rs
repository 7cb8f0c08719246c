//! Renewal of OAuth 2.0 access tokens as a state machine without I/O
