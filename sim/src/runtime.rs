//! Parameters that a design can also take when a simulation begins: one model then serves many values.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::build::BuildError;
use crate::dut::{DutConfig, ParamValue};

/// A row of `[runtime]` in a `dut.toml`, under the parameter's name. A design built with the value `built_as` reads plusarg
/// `+NAME=value` when it begins (`$value$plusargs`); every value but those in `built_in` is chosen that way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The parameter's value in the model that chooses at run time.
    pub built_as: ParamValue,
    /// Values that have a model of their own, free of the choice.
    #[serde(default)]
    pub built_in: Vec<i64>,
    /// Least and greatest value that the design knows.
    pub range: [i64; 2],
}

/// The parameters of `dut` as the elaborator gets them, and what the design reads as plusargs: `NAME=value`.
///
/// # Errors
/// [`BuildError::Parameter`]: a value out of its range; [`BuildError::Fixed`]: another value than the sources were made with.
pub(crate) fn resolve(dut: &DutConfig) -> Result<(BTreeMap<String, ParamValue>, Vec<String>), BuildError> {
    let mut parameters = dut.parameters.clone();
    let mut plusargs = Vec::new();
    for (name, fixed) in &dut.fixed {
        if let Some(value) = parameters.remove(name).filter(|value| value != fixed) {
            return Err(BuildError::Fixed {
                name: dut.name.clone(),
                parameter: name.clone(),
                fixed: fixed.literal(),
                value: value.literal(),
            });
        }
    }
    for (name, runtime) in &dut.runtime {
        let Some(value) = parameters.get_mut(name) else {
            continue;
        };
        let number = match value {
            ParamValue::Int(n) => Some(*n),
            ParamValue::Bool(b) => Some(i64::from(*b)),
            ParamValue::Text(_) => None,
        };
        let [least, greatest] = runtime.range;
        let Some(number) = number.filter(|n| (least..=greatest).contains(n)) else {
            return Err(BuildError::Parameter {
                name: dut.name.clone(),
                parameter: name.clone(),
                value: value.literal(),
                least,
                greatest,
            });
        };
        if !runtime.built_in.contains(&number) {
            plusargs.push(format!("{name}={number}"));
            *value = runtime.built_as.clone();
        }
    }
    Ok((parameters, plusargs))
}
