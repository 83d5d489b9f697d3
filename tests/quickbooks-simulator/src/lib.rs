//! A QuickBooks Online company and its OAuth server, for tests and for trying things out.
