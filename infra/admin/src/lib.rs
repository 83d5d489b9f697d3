//! An operator's commands: add a company, make a connect link, read and change settings.
