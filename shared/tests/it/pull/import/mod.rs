//! The import, as the person sees it who begins it.

mod bureau;
mod cut_short;
mod everything;
mod ladder;
mod random;
mod side_by_side;
mod trouble;
