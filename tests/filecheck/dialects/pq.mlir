// RUN: pqc opt %s --print-debuginfo | filecheck %s

// Attributes and types.
// CHECK: #conv1 = loc(fused["conv1", "relu1"])
// CHECK: by_channel = #pq.config<prototypes = 32, length = 8, grouping = channel, bits = [8, 8], l2>
// CHECK-SAME: by_window = #pq.config<prototypes = 16, length = 9, bits = [8, 8], l1>
// CHECK-SAME: config = #pq.config<prototypes = 16, length = 9, bits = [8, 6], linf>
// CHECK-SAME: for_all = #pq.config<prototypes = 16, length = 4, grouping = channel, codebooks = shared, bits = [8, 8], l2>
// CHECK-SAME: grid = #pq.grid<si12, 2.5e-07>
// CHECK-SAME: window = #pq.window<[3, 5] strides [2, 1] pads [1, 0, 2, 3] dilations [1, 4]>
builtin.module attributes {
  by_channel = #pq.config<prototypes = 32, length = 8, grouping = channel, bits = [8, 8], l2>,
  by_window = #pq.config<prototypes = 16, length = 9, grouping = window, bits = [8, 8], l1>,
  config = #pq.config<prototypes = 16, length = 9, bits = [8, 6], linf>,
  for_all = #pq.config<prototypes = 16, length = 4, grouping = channel, codebooks = shared, bits = [8, 8], l2>,
  grid = #pq.grid<si12, 2.5e-7>,
  window = #pq.window<[3, 5] strides [2, 1] pads [1, 0, 2, 3] dilations [1, 4]>
} {

// CHECK: func.func private @types(!pq.tensor<?x10xsi16, 1.0>, !pq.codes<[?, 4, 8, 8], 65535>)
func.func private @types(!pq.tensor<?x10xsi16, 1>, !pq.codes<[?, 4, 8, 8], 65535>)

// On integers: encode, then lookup.
// CHECK: func.func @integers
func.func @integers(%x: !pq.tensor<?x2x8x8xui8, 0.5>) -> tensor<?x3x8x8xsi16> {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  // CHECK: %codes = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l1" shift 2 prototype_bits 4 {note} : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4> loc("conv1")
  %codes = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l1" shift 2 prototype_bits 4 {note} : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4> loc("conv1")
  // CHECK: %sums = pq.lookup %codes, %table, %bias table_bits 4 {note = 1 : i64} : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16> loc(#conv1)
  %sums = pq.lookup %codes, %table, %bias table_bits 4 {note = 1 : i64} : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16> loc(fused["conv1", "relu1"])
  func.return %sums : tensor<?x3x8x8xsi16>
}

// Grouped by channels: a lookup that walks the window over a map of codes.
// CHECK: func.func @by_channel
func.func @by_channel(%x: !pq.tensor<?x2x8x8xui8, 0.5>) -> tensor<?x3x4x4xsi16> {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  // CHECK: %codes = pq.encode {{.*}} -> !pq.codes<[?, 1, 8, 8], 4>
  %codes = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 4 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<1x4x2xui8> -> !pq.codes<[?, 1, 8, 8], 4>
  // CHECK: %sums = pq.lookup %codes, %table, %bias window <[3, 3] strides [2, 2] pads [0, 1, 2, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 4 {note} : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x4xsi16>
  %sums = pq.lookup %codes, %table, %bias window <[3, 3] strides [2, 2] pads [0, 1, 2, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 4 {note} : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x4xsi16>
  func.return %sums : tensor<?x3x4x4xsi16>
}

// One codebook for both subspaces.
// CHECK: func.func @for_all
func.func @for_all(%x: !pq.tensor<?x4x8x8xui8, 0.5>) -> !pq.codes<[?, 2, 8, 8], 4> {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  // CHECK: %codes = pq.encode %x, %codebook shared <[1, 1] {{.*}} -> !pq.codes<[?, 2, 8, 8], 4>
  %codes = pq.encode %x, %codebook shared <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 4 : !pq.tensor<?x4x8x8xui8, 0.5>, tensor<1x4x2xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return %codes : !pq.codes<[?, 2, 8, 8], 4>
}

// One of two subspaces has a codebook; the other one is constant.
// CHECK: func.func @one_of_two
func.func @one_of_two(%x: !pq.tensor<?x4x8x8xui8, 0.5>) -> !pq.codes<[?, 1, 8, 8], 4> {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  // CHECK: %codes = pq.encode %x, %codebook folded [0] <[1, 1] {{.*}} -> !pq.codes<[?, 1, 8, 8], 4>
  %codes = pq.encode %x, %codebook folded [0] <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x4x8x8xui8, 0.5>, tensor<1x4x2xui8> -> !pq.codes<[?, 1, 8, 8], 4>
  func.return %codes : !pq.codes<[?, 1, 8, 8], 4>
}

// CHECK: func.func @real_by_channel
func.func @real_by_channel(%x: tensor<?x2x9x9xf32>) -> tensor<?x3x4x4xf32> {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  %table = blob.constant <"float table for 9 taps", "d2eb59733b6da459"> : tensor<9x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  // CHECK: %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 2, grouping = channel, bits = [4, 8], l2> on <ui8, 0.5> shift 4 : {{.*}} -> tensor<?x3x4x4xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 2, grouping = channel, bits = [4, 8], l2> on <ui8, 0.5> shift 4 : tensor<?x2x9x9xf32>, tensor<1x4x2xui8>, tensor<9x4x3xf32>, tensor<3xf32> -> tensor<?x3x4x4xf32>
  func.return %0 : tensor<?x3x4x4xf32>
}

// On real numbers, with and without what is optional.
// CHECK: func.func @real
func.func @real(%x: tensor<?x2x9x9xf32>, %r: tensor<?x3x4x4xf32>) -> (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) {
  %codebook = blob.constant <"signed codebook", "8f82c1fb731370df"> : tensor<2x4x9xsi8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  // CHECK: %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 8], l2> on <si8, 0.5> shift 4 : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x4x4xf32> loc("a")
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 8], l2> on <si8, 0.5> shift 4 : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x4x4xf32> loc("a")
  // CHECK: %1 = pq.convolution %x, %codebook, %table, %bias residual %r : tensor<?x3x4x4xf32> <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 8], l2> on <si8, 0.5> shift 4 low 0.000000e+00 : f64 high 6.000000e+00 : f64 {note} : tensor<?x2x9x9xf32>
  %1 = pq.convolution %x, %codebook, %table, %bias residual %r : tensor<?x3x4x4xf32> <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 8], l2> on <si8, 0.5> shift 4 low 0.0 : f64 high 6.0 : f64 {note} : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x4x4xf32>
  func.return %0, %1 : tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>
}

// On integers, each output with its step.
// CHECK: func.func @exact
func.func @exact(%x: tensor<?x2x9x9xf32>, %r: tensor<?x3x4x4xf32>) -> (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) {
  %codebook = blob.constant <"signed codebook", "8f82c1fb731370df"> : tensor<2x4x9xsi8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %wide = blob.constant <"16-bit table", "5f48b0907b9ff566"> : tensor<2x4x3xsi16>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  // CHECK: %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 4], l2> on <si8, 0.5> shift 4 : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x4xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 4], l2> on <si8, 0.5> shift 4 : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x4xf32>
  // CHECK: %1 = pq.convolution %x, %codebook, %wide, %bias step %step : tensor<3xf32> residual %r : tensor<?x3x4x4xf32> <[3, 3] {{.*}} shift 4 low 0.000000e+00 : f64
  %1 = pq.convolution %x, %codebook, %wide, %bias step %step : tensor<3xf32> residual %r : tensor<?x3x4x4xf32> <[3, 3] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 4, length = 9, bits = [4, 9], l2> on <si8, 0.5> shift 4 low 0.0 : f64 : tensor<?x2x9x9xf32>, tensor<2x4x9xsi8>, tensor<2x4x3xsi16>, tensor<3xsi32> -> tensor<?x3x4x4xf32>
  func.return %0, %1 : tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>
}

// Brought onto a grid.
// CHECK: func.func @on_grid
func.func @on_grid(%x: tensor<?x2x9x9xf32>, %y: tensor<?x7xf32>) -> (tensor<?x2x9x9xf32>, tensor<?x7xf32>) {
  // CHECK: %0 = pq.on_grid %x on <ui8, 0.03125> : (tensor<?x2x9x9xf32>) -> tensor<?x2x9x9xf32>
  %0 = pq.on_grid %x on <ui8, 0.03125> : (tensor<?x2x9x9xf32>) -> tensor<?x2x9x9xf32>
  // CHECK: %1 = pq.on_grid %y on <si5, 3.0> : (tensor<?x7xf32>) -> tensor<?x7xf32>
  %1 = pq.on_grid %y on <si5, 3.0> : (tensor<?x7xf32>) -> tensor<?x7xf32>
  func.return %0, %1 : tensor<?x2x9x9xf32>, tensor<?x7xf32>
}
}
