// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// The first dimension counts frames and is open; all others are known and positive.
// CHECK: shape 1x3x8x8 is not that of ? frames
func.func private @f(!pq.tensor<1x3x8x8xui8, 0.5>)

// -----
// CHECK: shape ?x?x8x8 is not that of ? frames
func.func private @f(!pq.tensor<?x?x8x8xui8, 0.5>)

// -----
// CHECK: shape ?x0x8x8 is not that of ? frames
func.func private @f(!pq.tensor<?x0x8x8xui8, 0.5>)

// -----
// CHECK: shape ?x1x1x1x1x1x1x1x1x1 is not that of ? frames with 1 to 8 dimensions
func.func private @f(!pq.tensor<?x1x1x1x1x1x1x1x1x1xui8, 0.5>)

// -----
// CHECK: shape ? is not that of ? frames
func.func private @f(!pq.tensor<?xui8, 0.5>)

// -----
// CHECK: func.func private @f(!pq.tensor<?x-3xui8, 0.5>)
// CHECK: Expected shape type
func.func private @f(!pq.tensor<?x-3xui8, 0.5>)

// -----
// CHECK: element type i8 is not one of ui1 to ui16 and si1 to si16
func.func private @f(!pq.tensor<?x3xi8, 0.5>)

// -----
// CHECK: element type ui17 is not one of
func.func private @f(!pq.tensor<?x3xui17, 0.5>)

// -----
// CHECK: element type ui0 is not one of
func.func private @f(!pq.tensor<?x3xui0, 0.5>)

// -----
// CHECK: f32 should be of base attribute integer_type
func.func private @f(!pq.tensor<?x3xf32, 0.5>)

// -----
// CHECK: scale = 0.0, it must be positive and finite
func.func private @f(!pq.tensor<?x3xui8, 0>)

// -----
// CHECK: scale = -0.5, it must be positive and finite
func.func private @f(!pq.tensor<?x3xui8, -0.5>)

// -----
// CHECK: scale = inf, it must be positive and finite
func.func private @f(!pq.tensor<?x3xui8, 1.0e999>)

// -----
// CHECK: integer or float literal expected
func.func private @f(!pq.tensor<?x3xui8, "0.5">)

// -----
// CHECK: shape ?x2x8 is not that of ? frames of subspaces
func.func private @f(!pq.codes<[?, 2, 8], 16>)

// -----
// CHECK: shape 1x2x8x8 is not that of ? frames of subspaces
func.func private @f(!pq.codes<[1, 2, 8, 8], 16>)

// -----
// CHECK: shape ?x2x-8x8 is not that of ? frames of subspaces
func.func private @f(!pq.codes<[?, 2, -8, 8], 16>)

// -----
// CHECK: prototypes = 0, allowed are 1 to 65535
func.func private @f(!pq.codes<[?, 2, 8, 8], 0>)

// -----
// CHECK: prototypes = 65536, allowed are 1 to 65535
func.func private @f(!pq.codes<[?, 2, 8, 8], 65536>)

// -----
// CHECK: element type i8 is not one of
builtin.module attributes {grid = #pq.grid<i8, 1.0>} {}

// -----
// CHECK: scale = -1.0, it must be positive and finite
builtin.module attributes {grid = #pq.grid<ui8, -1.0>} {}

// -----
// CHECK: prototypes = 1, allowed are 2 to 4096
builtin.module attributes {config = #pq.config<prototypes = 1, length = 9, bits = [8, 8], l2>} {}

// -----
// CHECK: length = 0, allowed are 1 to 1024
builtin.module attributes {config = #pq.config<prototypes = 16, length = 0, bits = [8, 8], l2>} {}

// -----
// CHECK: prototype bits = 1, allowed are 2 to 16
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, bits = [1, 8], l2>} {}

// -----
// CHECK: table bits = 17, allowed are 2 to 16
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, bits = [8, 17], l2>} {}

// -----
// CHECK: bits are those of a prototype's and of a table's element
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, bits = [8], l2>} {}

// -----
// CHECK: metric 'cosine', allowed are l2, l1, linf
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, bits = [8, 8], cosine>} {}

// -----
// CHECK: metric 'L2', allowed are l2, l1, linf
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, bits = [8, 8], L2>} {}

// -----
// CHECK: grouping 'pixel', allowed are window, channel
builtin.module attributes {config = #pq.config<prototypes = 16, length = 9, grouping = pixel, bits = [8, 8], l2>} {}

// -----
// CHECK: kernel sizes, strides and dilations are at least 1, pads at least 0
builtin.module attributes {window = #pq.window<[0, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]>} {}

// -----
// CHECK: kernel sizes, strides and dilations are at least 1, pads at least 0
builtin.module attributes {window = #pq.window<[3, 3] strides [1, 0] pads [0, 0, 0, 0] dilations [1, 1]>} {}

// -----
// CHECK: kernel sizes, strides and dilations are at least 1, pads at least 0
builtin.module attributes {window = #pq.window<[3, 3] strides [1, 1] pads [0, 0, -1, 0] dilations [1, 1]>} {}

// -----
// CHECK: a window has 2 kernel sizes, 2 strides, 4 pads and 2 dilations
builtin.module attributes {window = #pq.window<[3, 3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]>} {}

// -----
// CHECK: memory 'cache', allowed are activation, codebook, table, accumulator, dram
func.func private @f(!pqa.region<cache, 64>)

// -----
// CHECK: memory 'DRAM', allowed are
func.func private @f(!pqa.region<DRAM, 64>)

// -----
// CHECK: a region of 0 bytes, it must have at least one
func.func private @f(!pqa.region<dram, 0>)

// -----
// CHECK: a field is named twice
builtin.module attributes {fields = #pqa.fields<count = 1, count = 2>} {}

// CHECK-NOT: {{^}}builtin.module
