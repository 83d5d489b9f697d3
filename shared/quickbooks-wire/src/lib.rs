//! QuickBooks Online entities, faults and envelopes as they are on the wire.
