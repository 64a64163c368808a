//! Many nodes on one PostgreSQL, as processes: killed, stopped, configured differently, with clocks that differ; and a database in trouble
//! beneath a running gateway.

mod differing;
mod kills;
mod sessions;
mod trouble;
