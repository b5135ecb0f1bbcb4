//! stanch-ledger
