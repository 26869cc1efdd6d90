package onnx

import "google.golang.org/protobuf/encoding/protowire"

// kind is how a field is laid out on the wire.
type kind uint8

const (
	varint  kind = iota // int32, int64, uint64, bool, enum
	fixed32             // float
	fixed64             // double
	bytesOf             // string, bytes
	sub                 // message
)

// wire is the wire type of each kind.
var wire = [...]protowire.Type{protowire.VarintType, protowire.Fixed32Type, protowire.Fixed64Type, protowire.BytesType, protowire.BytesType}

// msg names a message type of the schema.
type msg uint8

const (
	modelMsg msg = iota
	graphMsg
	nodeMsg
	attrMsg
	tensorMsg
	segmentMsg
	sparseMsg
	valueInfoMsg
	typeMsg
	typeTensorMsg
	typeSequenceMsg
	typeMapMsg
	typeOpaqueMsg
	shapeMsg
	dimMsg
	entryMsg
	opsetMsg
	functionMsg
	trainingMsg
	annotationMsg
	deviceMsg
	nodeDeviceMsg
	shardingMsg
	shardedDimMsg
	simpleShardingMsg
	intListMsg
)

// fieldDef is a field of a message.
type fieldDef struct {
	name   string
	kind   kind
	many   bool // repeated; of scalars both the packed and the plain form are read
	msg    msg  // of kind sub
	number protowire.Number
}

// message holds the fields of a message type by number.
type message [27]*fieldDef

func (m *message) field(n protowire.Number) *fieldDef {
	if n < 1 || int(n) >= len(m) {
		return nil
	}
	return m[n]
}

func one(n protowire.Number, name string, k kind) fieldDef {
	return fieldDef{name: name, kind: k, number: n}
}

func many(n protowire.Number, name string, k kind) fieldDef {
	return fieldDef{name: name, kind: k, many: true, number: n}
}

func oneOf(n protowire.Number, name string, m msg) fieldDef {
	return fieldDef{name: name, kind: sub, msg: m, number: n}
}

func manyOf(n protowire.Number, name string, m msg) fieldDef {
	return fieldDef{name: name, kind: sub, many: true, msg: m, number: n}
}

func def(fields ...fieldDef) *message {
	var m message
	for i := range fields {
		m[fields[i].number] = &fields[i]
	}
	return &m
}

// schema is onnx.proto of ONNX 1.23 (IR version 14). Fields that it does not know
// are carried along unread.
var schema = [...]*message{
	modelMsg: def(one(1, "ir_version", varint), one(2, "producer_name", bytesOf), one(3, "producer_version", bytesOf), one(4, "domain", bytesOf),
		one(5, "model_version", varint), one(6, "doc_string", bytesOf), oneOf(7, "graph", graphMsg), manyOf(8, "opset_import", opsetMsg),
		manyOf(14, "metadata_props", entryMsg), manyOf(20, "training_info", trainingMsg), manyOf(25, "functions", functionMsg), manyOf(26, "configuration", deviceMsg)),
	graphMsg: def(manyOf(1, "node", nodeMsg), one(2, "name", bytesOf), manyOf(5, "initializer", tensorMsg), one(10, "doc_string", bytesOf),
		manyOf(11, "input", valueInfoMsg), manyOf(12, "output", valueInfoMsg), manyOf(13, "value_info", valueInfoMsg),
		manyOf(14, "quantization_annotation", annotationMsg), manyOf(15, "sparse_initializer", sparseMsg), manyOf(16, "metadata_props", entryMsg)),
	nodeMsg: def(many(1, "input", bytesOf), many(2, "output", bytesOf), one(3, "name", bytesOf), one(4, "op_type", bytesOf), manyOf(5, "attribute", attrMsg),
		one(6, "doc_string", bytesOf), one(7, "domain", bytesOf), one(8, "overload", bytesOf), manyOf(9, "metadata_props", entryMsg),
		manyOf(10, "device_configurations", nodeDeviceMsg)),
	attrMsg: def(one(1, "name", bytesOf), one(2, "f", fixed32), one(3, "i", varint), one(4, "s", bytesOf), oneOf(5, "t", tensorMsg), oneOf(6, "g", graphMsg),
		many(7, "floats", fixed32), many(8, "ints", varint), many(9, "strings", bytesOf), manyOf(10, "tensors", tensorMsg), manyOf(11, "graphs", graphMsg),
		one(13, "doc_string", bytesOf), oneOf(14, "tp", typeMsg), manyOf(15, "type_protos", typeMsg), one(20, "type", varint), one(21, "ref_attr_name", bytesOf),
		oneOf(22, "sparse_tensor", sparseMsg), manyOf(23, "sparse_tensors", sparseMsg)),
	tensorMsg: def(many(1, "dims", varint), one(2, "data_type", varint), oneOf(3, "segment", segmentMsg), many(4, "float_data", fixed32),
		many(5, "int32_data", varint), many(6, "string_data", bytesOf), many(7, "int64_data", varint), one(8, "name", bytesOf), one(9, "raw_data", bytesOf),
		many(10, "double_data", fixed64), many(11, "uint64_data", varint), one(12, "doc_string", bytesOf), manyOf(13, "external_data", entryMsg),
		one(14, "data_location", varint), manyOf(16, "metadata_props", entryMsg)),
	segmentMsg:      def(one(1, "begin", varint), one(2, "end", varint)),
	sparseMsg:       def(oneOf(1, "values", tensorMsg), oneOf(2, "indices", tensorMsg), many(3, "dims", varint)),
	valueInfoMsg:    def(one(1, "name", bytesOf), oneOf(2, "type", typeMsg), one(3, "doc_string", bytesOf), manyOf(4, "metadata_props", entryMsg)),
	typeMsg:         def(oneOf(1, "tensor_type", typeTensorMsg), oneOf(4, "sequence_type", typeSequenceMsg), oneOf(5, "map_type", typeMapMsg), one(6, "denotation", bytesOf), oneOf(7, "opaque_type", typeOpaqueMsg), oneOf(8, "sparse_tensor_type", typeTensorMsg), oneOf(9, "optional_type", typeSequenceMsg)),
	typeTensorMsg:   def(one(1, "elem_type", varint), oneOf(2, "shape", shapeMsg)),
	typeSequenceMsg: def(oneOf(1, "elem_type", typeMsg)),
	typeMapMsg:      def(one(1, "key_type", varint), oneOf(2, "value_type", typeMsg)),
	typeOpaqueMsg:   def(one(1, "domain", bytesOf), one(2, "name", bytesOf)),
	shapeMsg:        def(manyOf(1, "dim", dimMsg)),
	dimMsg:          def(one(1, "dim_value", varint), one(2, "dim_param", bytesOf), one(3, "denotation", bytesOf)),
	entryMsg:        def(one(1, "key", bytesOf), one(2, "value", bytesOf)),
	opsetMsg:        def(one(1, "domain", bytesOf), one(2, "version", varint)),
	functionMsg: def(one(1, "name", bytesOf), many(4, "input", bytesOf), many(5, "output", bytesOf), many(6, "attribute", bytesOf), manyOf(7, "node", nodeMsg),
		one(8, "doc_string", bytesOf), manyOf(9, "opset_import", opsetMsg), one(10, "domain", bytesOf), manyOf(11, "attribute_proto", attrMsg),
		manyOf(12, "value_info", valueInfoMsg), one(13, "overload", bytesOf), manyOf(14, "metadata_props", entryMsg)),
	trainingMsg: def(oneOf(1, "initialization", graphMsg), oneOf(2, "algorithm", graphMsg), manyOf(3, "initialization_binding", entryMsg),
		manyOf(4, "update_binding", entryMsg)),
	annotationMsg:     def(one(1, "tensor_name", bytesOf), manyOf(2, "quant_parameter_tensor_names", entryMsg)),
	deviceMsg:         def(one(1, "name", bytesOf), one(2, "num_devices", varint), many(3, "device", bytesOf)),
	nodeDeviceMsg:     def(one(1, "configuration_id", bytesOf), manyOf(2, "sharding_spec", shardingMsg), one(3, "pipeline_stage", varint)),
	shardingMsg:       def(one(1, "tensor_name", bytesOf), many(2, "device", varint), manyOf(3, "index_to_device_group_map", intListMsg), manyOf(4, "sharded_dim", shardedDimMsg)),
	shardedDimMsg:     def(one(1, "axis", varint), manyOf(2, "simple_sharding", simpleShardingMsg)),
	simpleShardingMsg: def(one(1, "dim_value", varint), one(2, "dim_param", bytesOf), one(3, "num_shards", varint)),
	intListMsg:        def(one(1, "key", varint), many(2, "value", varint)),
}
