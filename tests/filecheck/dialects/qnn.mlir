// RUN: pqc opt %s --print-debuginfo | filecheck %s

// Layers: 32-bit accumulators, then activations.
// CHECK: #conv1 = loc(fused["conv1", "relu1"])
// CHECK: func.func @layers
func.func @layers(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %deep: !pq.tensor<?x3x8x8xsi8, 0.5>, %flat: !pq.tensor<?x5xui8, 0.5>, %r: !pq.tensor<?x3x6x6xsi8, 0.25>) {
  %weight = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %depthwise = blob.constant <"depthwise weight", "5f906f04dc165856"> : tensor<3x1x3x3xsi8>
  %matrix = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %multiplier = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %shift = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %factor = blob.constant <"residual multiplier", "0d4a5e9402e96a3c"> : tensor<3xsi32>
  // CHECK: %0 = qnn.conv2d %x, %weight, %bias <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 4 {note} : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32> loc("conv1")
  %0 = qnn.conv2d %x, %weight, %bias <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 4 {note} : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32> loc("conv1")
  // CHECK: %1 = qnn.conv2d %deep, %depthwise, %bias <[3, 3] strides [2, 1] pads [1, 2, 0, 3] dilations [1, 2]> groups 3 weight_bits 8 : !pq.tensor<?x3x8x8xsi8, 0.5>, tensor<3x1x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x9xsi32>
  %1 = qnn.conv2d %deep, %depthwise, %bias <[3, 3] strides [2, 1] pads [1, 2, 0, 3] dilations [1, 2]> groups 3 weight_bits 8 : !pq.tensor<?x3x8x8xsi8, 0.5>, tensor<3x1x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x4x9xsi32>
  // CHECK: %2 = qnn.gemm %flat, %matrix, %bias weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3xsi32>
  %2 = qnn.gemm %flat, %matrix, %bias weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3xsi32>
  // CHECK: %3 = qnn.requantize %2, %multiplier, %shift clip [-32768, 32767] : tensor<?x3xsi32>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3xsi16, 0.125>
  %3 = qnn.requantize %2, %multiplier, %shift clip [-32768, 32767] : tensor<?x3xsi32>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3xsi16, 0.125>
  // CHECK: %4 = qnn.requantize %0, %multiplier, %shift residual %r, %factor : !pq.tensor<?x3x6x6xsi8, 0.25>, tensor<3xsi32> clip [0, 200] {note} : tensor<?x3x6x6xsi32>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.125> loc(#conv1)
  %4 = qnn.requantize %0, %multiplier, %shift residual %r, %factor : !pq.tensor<?x3x6x6xsi8, 0.25>, tensor<3xsi32> clip [0, 200] {note} : tensor<?x3x6x6xsi32>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.125> loc(fused["conv1", "relu1"])
  func.return
}

// From activations to activations.
// CHECK: func.func @elements
func.func @elements(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  // CHECK: %0 = qnn.add %x, %y multipliers [16384, -8192] shift 14 clip [-128, 127] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xsi8, 0.5> loc("add")
  %0 = qnn.add %x, %y multipliers [16384, -8192] shift 14 clip [-128, 127] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xsi8, 0.5> loc("add")
  // CHECK: %1 = qnn.rescale %x multiplier 3 shift 40 clip [0, 12] {note} : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x8x8xui4, 0.5>
  %1 = qnn.rescale %x multiplier 3 shift 40 clip [0, 12] {note} : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x8x8xui4, 0.5>
  // CHECK: %2 = qnn.max_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> {note} : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  %2 = qnn.max_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> {note} : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  // CHECK: %3 = qnn.average_pool %x <[8, 8] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x1x1xui8, 0.5>
  %3 = qnn.average_pool %x <[8, 8] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x1x1xui8, 0.5>
  func.return
}

// Functions by their tables, one for all channels or one for each; products, one operand perhaps the same along some axes.
// CHECK: func.func @pointwise
func.func @pointwise(%x: !pq.tensor<?x2x8x8xui2, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>, %gate: !pq.tensor<?x2x1x1xui8, 0.5>) {
  %table = blob.constant <"map", "2a04a379e29feb61"> : tensor<1x4xsi8>
  %tables = blob.constant <"map for 2 channels", "d290271837005ed8"> : tensor<2x4xsi8>
  // CHECK: %0 = qnn.map %x, %table {note} : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xsi4, 0.125> loc("sigmoid")
  %0 = qnn.map %x, %table {note} : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x8x8xsi4, 0.125> loc("sigmoid")
  // CHECK: %1 = qnn.map %x, %tables : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<2x4xsi8> -> !pq.tensor<?x2x8x8xsi8, 0.125>
  %1 = qnn.map %x, %tables : !pq.tensor<?x2x8x8xui2, 0.5>, tensor<2x4xsi8> -> !pq.tensor<?x2x8x8xsi8, 0.125>
  // CHECK: %2 = qnn.multiply %y, %x multiplier 3 shift 2 clip [-8, 7] {note} : !pq.tensor<?x2x8x8xsi8, 0.25>, !pq.tensor<?x2x8x8xui2, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5> loc("product")
  %2 = qnn.multiply %y, %x multiplier 3 shift 2 clip [-8, 7] {note} : !pq.tensor<?x2x8x8xsi8, 0.25>, !pq.tensor<?x2x8x8xui2, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5> loc("product")
  // CHECK: %3 = qnn.multiply %y, %gate multiplier -3 shift 40 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.25>, !pq.tensor<?x2x1x1xui8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  %3 = qnn.multiply %y, %gate multiplier -3 shift 40 clip [-128, 127] : !pq.tensor<?x2x8x8xsi8, 0.25>, !pq.tensor<?x2x1x1xui8, 0.5> -> !pq.tensor<?x2x8x8xsi8, 0.5>
  func.return
}

// What only moves keeps the grid.
// CHECK: func.func @moves
func.func @moves(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x3x8x4xui8, 0.5>) {
  // CHECK: %0 = qnn.reshape %x {note} : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x64xui8, 0.5> loc("flatten")
  %0 = qnn.reshape %x {note} : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x64xui8, 0.5> loc("flatten")
  // CHECK: %1 = qnn.transpose %x permutation [0, 3, 1, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x2x8xui8, 0.5>
  %1 = qnn.transpose %x permutation [0, 3, 1, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x2x8xui8, 0.5>
  // CHECK: %2 = qnn.slice %x starts [1, 0, 1] steps [1, 3, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  %2 = qnn.slice %x starts [1, 0, 1] steps [1, 3, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  // CHECK: %3 = qnn.pad %x before [0, 1, 2] after [3, 0, 0] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x5x9x6xui8, 0.5>
  %3 = qnn.pad %x before [0, 1, 2] after [3, 0, 0] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x5x9x6xui8, 0.5>
  // CHECK: %4 = qnn.concat %x, %y, %x axis 1 {note} : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x3x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x7x8x4xui8, 0.5>
  %4 = qnn.concat %x, %y, %x axis 1 {note} : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x3x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x7x8x4xui8, 0.5>
  func.return
}
