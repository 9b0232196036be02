//! What needs the whole chain of AWS services.

mod away;
mod byte_ranges;
mod chain;
mod chaos;
mod erased;
mod operation;
mod producers;
mod scanner;
mod stopped;
