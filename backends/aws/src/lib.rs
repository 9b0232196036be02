//! Backends on AWS.
