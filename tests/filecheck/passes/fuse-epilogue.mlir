// RUN: pqc opt %s -p fuse-epilogue --split-input-file --print-debuginfo | filecheck %s

// A residual addition and a relu become part of the convolution; attributes and names stay.
// CHECK: #conv = loc(fused["conv", "sum", "relu"])
// CHECK: func.func @residual
// CHECK: [[Y:%[^ ]+]] = onnx.conv %x, %{{[^ ]+}}, %{{[^ ]+}} residual %s pads [1, 1, 0, 0] low 0.000000e+00 : {{.*}} loc(#conv)
// CHECK-NEXT: func.return [[Y]]
func.func @residual(%x: tensor<?x2x4x4xf32>, %s: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"w", "32278ebca231b98f"> : tensor<2x2x2x2xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b pads [1, 1, 0, 0] : (tensor<?x2x4x4xf32>, tensor<2x2x2x2xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("conv")
  %a = onnx.add %s, %c : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sum")
  %y = onnx.relu %a : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("relu")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// A convolution by product quantization takes both, too, and keeps its step; what is behind a grid stays.
// CHECK: #pq = loc(fused["pq", "sum", "relu"])
// CHECK: func.func @product_quantized
// CHECK: [[G:%[^ ]+]] = pq.on_grid %x
// CHECK: [[Y:%[^ ]+]] = pq.convolution [[G]], {{.*}} step %step : tensor<2xf32> residual %x : tensor<?x2x4x4xf32> {{.*}} on <ui8, 0.25> shift 6 low 0.000000e+00 : f64 : {{.*}} loc(#pq)
// CHECK-NEXT: [[H:%[^ ]+]] = pq.on_grid [[Y]]
// CHECK-NEXT: [[C:%[^ ]+]] = onnx.clip [[H]]
// CHECK-NEXT: func.return [[C]]
func.func @product_quantized(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
  %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
  %bias = blob.constant <"bias", "498dd68afec659f3"> : tensor<2xsi32>
  %step = blob.constant <"step", "238f6bcac1d535f3"> : tensor<2xf32>
  %g = pq.on_grid %x on <ui8, 0.25> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %p = pq.convolution %g, %codebook, %table, %bias step %step : tensor<2xf32> <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 2, length = 1, bits = [2, 8], l2> on <ui8, 0.25> shift 6 : tensor<?x2x4x4xf32>, tensor<2x2x1xui8>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xf32> loc("pq")
  %a = onnx.add %p, %x : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sum")
  %r = onnx.relu %a : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("relu")
  %h = pq.on_grid %r on <ui8, 0.5> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("grid")
  %y = onnx.clip %h high 1.0 : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("clip")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// A clip becomes bounds.
// CHECK-LABEL: func.func @clip
// CHECK: [[Y:%[^ ]+]] = onnx.gemm {{.*}} low -1.000000e+00 high 6.000000e+00 :
// CHECK-NEXT: func.return [[Y]]
func.func @clip(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = blob.constant <"w", "3bec4c947317d0dd"> : tensor<2x2xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.gemm %x, %w, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = onnx.clip %c low -1.0 high 6.0 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// A matrix product takes a residual, too; bounds that are there already do not merge with others.
// CHECK-LABEL: func.func @product
// CHECK: [[C:%[^ ]+]] = onnx.gemm {{.*}} residual %s low 0.000000e+00 :
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.clip [[C]] high 6.000000e+00
// CHECK-NEXT: func.return [[Y]]
func.func @product(%x: tensor<?x2xf32>, %s: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = blob.constant <"w", "3bec4c947317d0dd"> : tensor<2x2xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.gemm %x, %w, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %a = onnx.add %c, %s : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %r = onnx.relu %a : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = onnx.clip %r high 6.0 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Of two convolutions that are added, the later one takes the other as its residual.
// CHECK: #second = loc(fused["second", "sum"])
// CHECK: func.func @both
// CHECK: [[A:%[^ ]+]] = onnx.conv {{.*}} loc("first")
// CHECK-NEXT: onnx.conv {{.*}} residual [[A]] : {{.*}} loc(#second)
// CHECK-NEXT: func.return
func.func @both(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("first")
  %d = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("second")
  %y = onnx.add %c, %d : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sum")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// A second residual stays an addition.
// CHECK-LABEL: func.func @two_residuals
// CHECK: [[C:%[^ ]+]] = onnx.conv {{.*}} residual %s :
// CHECK-NEXT: onnx.add [[C]], %x
func.func @two_residuals(%x: tensor<?x2x4x4xf32>, %s: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %a = onnx.add %c, %s : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.add %a, %x : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Behind bounds nothing is added any more.
// CHECK-LABEL: func.func @bounded
// CHECK: [[C:%[^ ]+]] = onnx.conv {{.*}} low 0.000000e+00 :
// CHECK-NEXT: onnx.add [[C]], %x
func.func @bounded(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %r = onnx.relu %c : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.add %r, %x : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// What two operations read stays what they read.
// CHECK-LABEL: func.func @read_twice
// CHECK: [[C:%[^ ]+]] = onnx.conv
// CHECK-NEXT: [[A:%[^ ]+]] = onnx.add [[C]], [[C]]
// CHECK-NEXT: [[D:%[^ ]+]] = onnx.conv
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.relu [[D]]
// CHECK-NEXT: func.return [[A]], [[D]], [[Y]]
func.func @read_twice(%x: tensor<?x2x4x4xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) {
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %a = onnx.add %c, %c : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %d = onnx.conv %x, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.relu %d : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  func.return %a, %d, %y : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>
}

// -----

// A pooling takes no bounds, and a constant per channel is no residual.
// CHECK-LABEL: func.func @other
// CHECK: onnx.max_pool
// CHECK-NEXT: onnx.relu
// CHECK: onnx.conv {{.*}}, %{{[^ ]+}} :
// CHECK-NEXT: onnx.add
func.func @other(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"b", "1e506e4140fce008"> : tensor<2xf32>
  %p = onnx.max_pool %x kernel [1, 1] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %r = onnx.relu %p : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %c = onnx.conv %r, %w, %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.add %c, %b : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}
