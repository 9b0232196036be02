//! What needs the whole chain of AWS services.

mod away;
mod chain;
mod chaos;
mod erased;
mod operation;
mod producers;
mod scanner;
mod stopped;
