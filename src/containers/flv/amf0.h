// Weir live-streaming server. MIT licence, see LICENSE.

// AMF0: the value format of RTMP commands and FLV script tags. Pure functions, any core. A value
// that switches to AMF3 (marker 0x11) is read through. Bounded by AmfBudget. Leaves out MovieClip
// and RecordSet, which the format reserves. Spec: Action Message Format AMF 0, 2007.
#pragma once

#include "base/result.h"
#include "containers/flv/amf.h"

namespace weir::flv {

Result<Value> read_amf0(ByteReader&);
// Values until the end of the input.
Result<std::vector<Value>> read_all_amf0(ByteSpan);
// Integers become numbers; byte arrays, which AMF0 lacks, are written behind the switch to AMF3.
void write_amf0(ByteWriter&, const Value&);

}  // namespace weir::flv
