// Weir live-streaming server. MIT licence, see LICENSE.

// AMF3: the value format that ActionScript 3 peers may use in commands and data. Pure functions,
// any core. Vectors read as strict arrays; ArrayCollection and ObjectProxy as what they wrap.
// Leaves out dictionaries and other externalizable classes, whose length only their class knows:
// unsupported. The writer makes no references. Spec: Action Message Format AMF 3, 2013, section 3.
#pragma once

#include "base/result.h"
#include "containers/flv/amf.h"

namespace weir::flv {

// The reference tables live for this one value.
Result<Value> read_amf3(ByteReader&);
// Values until the end of the input; they share one set of reference tables.
Result<std::vector<Value>> read_all_amf3(ByteSpan);
void write_amf3(ByteWriter&, const Value&);

// For the switch inside AMF0: the caller's budget and depth go on.
Result<Value> read_amf3(ByteReader&, AmfBudget&, int depth);

}  // namespace weir::flv
