//! QuickBooks Online client: accounting API, OAuth, webhook signature.
