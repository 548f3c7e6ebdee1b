// RUN: pqc opt %s -p select-pq | filecheck %s
// RUN: pqc opt %s -p 'select-pq{prototypes=4 length=1 metric=l1 prototype_bits=4 table_bits=6}' | filecheck %s --check-prefix=CONFIG
// RUN: pqc opt %s -p 'select-pq{include="stem" exclude="b*"}' | filecheck %s --check-prefix=CHOSEN
// RUN: pqc opt %s -p 'select-pq{include=gemm}' | filecheck %s --check-prefix=PRODUCT
// RUN: not pqc opt %s -p 'select-pq{include=body,nothing}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not pqc opt %s -p 'select-pq{include=depthwise}' 2>&1 | filecheck %s --check-prefix=GROUPED
// RUN: pqc opt %s -p 'select-pq{include="*" exclude=depthwise}' | filecheck %s --check-prefix=ALL

// By default all convolutions but those that read an input, moved or not, and grouped ones; no matrix product.
// The length is at most what one output sees.
// CHECK: onnx.conv %x, {{[^<]*}} :
// CHECK: onnx.conv %r, {{[^<]*}} :
// CHECK: onnx.conv %a, %{{.*}} {pq.config = #pq.config<prototypes = 16, length = 2, bits = [8, 8], l2>} :
// CHECK: onnx.conv %c, {{[^<]*}} group 2 :
// CHECK: onnx.gemm {{[^<]*}} :

// CONFIG: onnx.conv %a, %{{.*}} {pq.config = #pq.config<prototypes = 4, length = 1, bits = [4, 6], l1>} :

// CHOSEN: onnx.conv %x, %{{.*}} {pq.config
// CHOSEN: onnx.conv %r, {{[^<]*}} :
// CHOSEN: onnx.conv %a, {{[^<]*}} :

// A matrix product becomes the 1x1 convolution that it is.
// PRODUCT: onnx.reshape %{{.*}} -> tensor<?x32x1x1xf32>
// PRODUCT: onnx.conv {{.*}} low 0.000000e+00 {pq.config = #pq.config<prototypes = 16, length = 9, bits = [8, 8], l2>} : (tensor<?x32x1x1xf32>, tensor<2x32x1x1xf32>
// PRODUCT-NEXT: onnx.reshape %{{.*}} -> tensor<?x2xf32>

// UNKNOWN: no layer's node name matches 'nothing'; the layers are stem, other, body, depthwise, gemm
// GROUPED: node 'depthwise': a grouped convolution cannot be product-quantized; exclude it

// ALL: onnx.conv %x, %{{.*}} {pq.config
// ALL: onnx.conv %r, %{{.*}} {pq.config
// ALL: onnx.conv %a, %{{.*}} {pq.config
// ALL: onnx.conv %c, {{[^<]*}} group 2 :
// ALL: onnx.conv {{.*}} {pq.config

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>, %z: tensor<?x32xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2xf32>) {
    %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
    %d = blob.constant <"d", "fa55942d01a7640b"> : tensor<2x1x1x1xf32>
    %m = blob.constant <"m", "31e2e72778cbabb9"> : tensor<2x32xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %a = onnx.conv %x, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("stem")
    %r = onnx.reshape %z : (tensor<?x32xf32>) -> tensor<?x2x4x4xf32> loc("reshape")
    %b = onnx.conv %r, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("other")
    %c = onnx.conv %a, %w, %v residual %b : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("body")
    %e = onnx.conv %c, %d, %v group 2 : (tensor<?x2x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("depthwise")
    %f = onnx.reshape %e : (tensor<?x2x4x4xf32>) -> tensor<?x32xf32> loc("flatten")
    %g = onnx.gemm %f, %m, %v low 0.0 : (tensor<?x32xf32>, tensor<2x32xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("gemm")
    func.return %e, %g : tensor<?x2x4x4xf32>, tensor<?x2xf32>
  }
}
