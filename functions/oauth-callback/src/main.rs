//! Connects a company to QuickBooks: start and callback of the OAuth flow.

fn main() {}
